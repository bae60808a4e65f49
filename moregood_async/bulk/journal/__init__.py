"""The journal of a job: what is durable of it. See the theory of operation in `bulk`."""
