"""Whole files: reading customers from them, importing them, and writing lists to them.

::

    from moregood_async import MoreGoodClient
    from moregood_async.bulk import AskTemplate, Import, read_csv

    async with MoreGoodClient() as client:
        with read_csv("customers.csv", mapping={"Nickname": "first_name"}) as customers:
            print(customers.mapping)
            importing = Import(client, customers, ask=AskTemplate(channels=["email"]))
            await importing.run(lambda result: print(result.row.line, result.outcome))
"""

from moregood_async.bulk.asking import AskTemplate
from moregood_async.bulk.columns import BadMapping, Column, ColumnMapping
from moregood_async.bulk.export import CsvWriter, JsonLinesWriter, whole_file
from moregood_async.bulk.importing import Import
from moregood_async.bulk.outcomes import RowResult, Tally
from moregood_async.bulk.rejects import Rejects
from moregood_async.bulk.rows import Row
from moregood_async.bulk.sources import BadFile, CustomerFile, read_csv

__all__ = [
    "AskTemplate",
    "BadFile",
    "BadMapping",
    "Column",
    "ColumnMapping",
    "CsvWriter",
    "CustomerFile",
    "Import",
    "JsonLinesWriter",
    "Rejects",
    "Row",
    "RowResult",
    "Tally",
    "read_csv",
    "whole_file",
]
