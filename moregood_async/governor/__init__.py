"""When a request may go, decided without waiting, without a clock and without a socket."""
