"""One run of a job, from the input's records to requests. See the theory of operation in `bulk`.

::

    RowReader ──▶ Engine ──▶ StepRunner ──▶ client
      rows of      which row    one action       (journal: INTENDED before, outcome after)
      the input    is next      of one row
"""
