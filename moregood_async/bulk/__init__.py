"""Whole files: customers imported and asked, each exactly once, and lists written to files.

::

    from moregood_async import MoreGoodClient
    from moregood_async.bulk import AskTemplate, Job, read_csv

    async with MoreGoodClient() as client, Job(client, journal="spring.journal") as job:
        customers = read_csv("customers.csv", mapping={"Nickname": "first_name"})
        job.upsert_customers(customers, then_ask=AskTemplate(channels=["email"]))
        async for event in job.run():
            print(event.done, event.failed, event.eta)
        print(job.report())

What survives, and why nobody is asked twice, is in `moregood_async.bulk.states`.
"""

from moregood_async.bulk.asking import AskTemplate
from moregood_async.bulk.charging import ChargeTemplate
from moregood_async.bulk.engine import StoppedItself
from moregood_async.bulk.exporting import (
    CannotExport,
    CsvWriter,
    Export,
    JsonLinesWriter,
    NoParquet,
    whole_file,
)
from moregood_async.bulk.importing.columns import BadMapping, Column, ColumnMapping
from moregood_async.bulk.importing.rows import Record, Row
from moregood_async.bulk.importing.sources import (
    BadFile,
    Source,
    read_csv,
    read_customers,
    read_items,
    read_json_lines,
    read_parquet,
)
from moregood_async.bulk.job import Job
from moregood_async.bulk.journal import (
    JournalError,
    JournalInUse,
    JournalMismatch,
    JournalUnusable,
)
from moregood_async.bulk.outcomes import Progress, RowEnd
from moregood_async.bulk.outputs import write_rejects, write_results
from moregood_async.bulk.planning import Plan, PlanChanged
from moregood_async.bulk.reading import JournalReader
from moregood_async.bulk.report import Report

__all__ = [
    "AskTemplate",
    "BadFile",
    "BadMapping",
    "CannotExport",
    "ChargeTemplate",
    "Column",
    "ColumnMapping",
    "CsvWriter",
    "Export",
    "Job",
    "JournalError",
    "JournalInUse",
    "JournalMismatch",
    "JournalReader",
    "JournalUnusable",
    "JsonLinesWriter",
    "NoParquet",
    "Plan",
    "PlanChanged",
    "Progress",
    "Record",
    "Report",
    "Row",
    "RowEnd",
    "Source",
    "StoppedItself",
    "read_csv",
    "read_customers",
    "read_items",
    "read_json_lines",
    "read_parquet",
    "whole_file",
    "write_rejects",
    "write_results",
]
