"""Jobs: whole files of customers saved, charged and asked, each exactly once; and exports.

::

    from moregood_async import MoreGoodClient
    from moregood_async.bulk import AskTemplate, Job, read_csv

    async with MoreGoodClient() as client:
        customers = read_csv("customers.csv", mapping={"Nickname": "first_name"})
        template = AskTemplate(channels=["email"])
        async with Job(client, customers, journal="spring.journal", ask=template) as job:
            print(await job.plan())  # nothing is sent
            report = await job.run()
            print(report)

Theory of operation
===================

The API has no idempotency keys: a charge or an ask that is sent twice takes effect twice. The
vendor's server, the network and this process may all fail at any moment. A job still does each
charge and each ask exactly once, or says that it does not know.

**Steps.** A row of the input is up to three requests, in this order::

    upsert ── charge (if the job charges) ── ask (if the job asks)

The rows of one person are worked on in the order of the input, never concurrently. Rows of
different people are worked on concurrently.

**Write-ahead.** The journal stores, for each row, its current step and the state of that step. A
step becomes INTENDED in the journal, durably, before its request may be sent; what became of the
request is stored after. So whatever ends the process, the journal names every request that may
have been sent, and some that were not::

     (read) ──▶ READY ──INTEND──▶ INTENDED ──SUCCEED──▶ READY of the next step, or DONE
                ▲ ▲ ▲                │ │ │
                │ │ └───NOT_SENT─────┘ │ └──FAIL──▶ FAILED ──RETRY──▶ READY
                │ │                    │
                │ └──NOT_APPLIED──┐    ├──LOSE───────▶ UNKNOWN
                │    or RESEND    └────┼───────────────┤ │
                │                      └──RECOVER──────┘ └──APPLIED──▶ like SUCCEED
                │
     READY ──SKIP──▶ DONE (not asked) ──REOPEN──▶ READY     READY ──GIVE_UP──▶ FAILED
     READY ──REJECT──▶ REJECTED

`journal.states` has this table, and any other transition raises before anything is stored.

**The rule.** *A request is sent only while its row is INTENDED, and INTENDED is reached only from
READY, by a commit that is durable before the request.* `run.steps.StepRunner` asserts it at the
one place where a row's request is sent. From INTENDED, only proof that the request had no effect
leads back to READY: nothing was sent, the server refused, or reconciling found no trace.

**Idempotent upserts.** An upsert that the API can match by email or phone may be sent twice. So
its INTENDED is part of the commit that registers the row, and LOSE and RECOVER lead it back to
READY. An upsert without email and phone creates a customer each time, and is treated like a
charge.

**Recovery.** The first step of a run is `Journal.recover`: whatever is INTENDED was in work when a
process ended, and becomes UNKNOWN.

**Reconciling.** UNKNOWN is never sent again by itself. An ask that was applied shows by the
customer's messages; a charge by the customer's number of charges, which the response to the
upsert had before it. If ``reconcile_after`` seconds after the request could last have been sent
there is no trace of it, it was not applied, and the row becomes READY. If the API does not tell,
the row stays UNKNOWN, and a person decides.

**One person, one ask.** When a row is registered, it claims its contacts (keyed hashes of email
and phone); before its ask becomes INTENDED, it claims the API's id of its customer. The first row
to claim owns the claim for the life of the job, and only the owner asks. A customer that the API
reports as asked since the job began, by no row of the job, was asked by something else, and is
skipped.

**Time.** All times in the journal are the server's, never later than the true one (`ServerClock`),
so that they can be compared with times of the API, whatever this machine's clock shows.

**Durability.** A commit is on the disk when it returns: SQLite in WAL mode with
``synchronous=FULL``. Commits of many rows are gathered (`journal.writer`). Beside the journal, the
number of commits is stored once more, since SQLite takes a damaged write-ahead log for a shorter
one without an error; a journal that lost commits is refused (`journal.commit_counter`).

**One run at a time.** A run holds the lease of its journal: the lock file ``JOURNAL-lock``, which
the operating system frees when the process ends. The logic knows the journal only as a `Storage`.

The way of a row: `run.reader` (input to `RowTask`, registered) → `run.engine` (which row is next) →
`run.actions` (what is done next, a decision) → `run.steps` (doing it) → `journal`.
"""

from moregood_async.bulk.exporting import (
    CannotExport,
    CsvWriter,
    Export,
    FileFormat,
    JsonLinesWriter,
    ListName,
    NoParquet,
    PageWritten,
    whole_file,
)
from moregood_async.bulk.importing.columns import BadMapping, Column, ColumnMapping
from moregood_async.bulk.importing.presets import Preset
from moregood_async.bulk.importing.rows import Record, Row
from moregood_async.bulk.importing.sources import (
    BadFile,
    CustomerFile,
    Fingerprint,
    Items,
    JsonLinesFile,
    ParquetFile,
    Source,
    read_csv,
    read_customers,
    read_items,
    read_json_lines,
    read_parquet,
)
from moregood_async.bulk.job import Job
from moregood_async.bulk.journal.errors import (
    JournalError,
    JournalInUse,
    JournalMismatch,
    JournalUnusable,
)
from moregood_async.bulk.journal.states import SkipReason
from moregood_async.bulk.journal.storage import RunRecord
from moregood_async.bulk.options import OnUnknown
from moregood_async.bulk.outcomes import Outcome, RowResult
from moregood_async.bulk.plan import Plan, PlanChanged
from moregood_async.bulk.report import Report, read_report
from moregood_async.bulk.row_files import read_results, write_rejects, write_results
from moregood_async.bulk.run.circuit_breaker import TooManyFailures
from moregood_async.bulk.run.progress import Progress
from moregood_async.bulk.run.run import Run
from moregood_async.bulk.templates import AskTemplate, ChargeTemplate

__all__ = [
    "AskTemplate",
    "BadFile",
    "BadMapping",
    "CannotExport",
    "ChargeTemplate",
    "Column",
    "ColumnMapping",
    "CsvWriter",
    "CustomerFile",
    "Export",
    "FileFormat",
    "Fingerprint",
    "Items",
    "Job",
    "JournalError",
    "JournalInUse",
    "JournalMismatch",
    "JournalUnusable",
    "JsonLinesFile",
    "JsonLinesWriter",
    "ListName",
    "NoParquet",
    "OnUnknown",
    "Outcome",
    "PageWritten",
    "ParquetFile",
    "Plan",
    "PlanChanged",
    "Preset",
    "Progress",
    "Record",
    "Report",
    "Row",
    "RowResult",
    "Run",
    "RunRecord",
    "SkipReason",
    "Source",
    "TooManyFailures",
    "read_csv",
    "read_customers",
    "read_items",
    "read_json_lines",
    "read_parquet",
    "read_report",
    "read_results",
    "whole_file",
    "write_rejects",
    "write_results",
]
