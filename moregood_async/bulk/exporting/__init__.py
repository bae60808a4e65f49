"""Lists as files: CSV, JSON Lines and Parquet, page by page, and what broke off is taken up."""

from moregood_async.bulk.exporting.arrow import NoParquet
from moregood_async.bulk.exporting.bookmark import CannotExport
from moregood_async.bulk.exporting.exporting import Came, Export, What
from moregood_async.bulk.exporting.files import whole_file
from moregood_async.bulk.exporting.forms import FORMS, Form, form_of
from moregood_async.bulk.exporting.text import CsvWriter, JsonLinesWriter, Writer

__all__ = [
    "Came",
    "CannotExport",
    "CsvWriter",
    "Export",
    "FORMS",
    "Form",
    "JsonLinesWriter",
    "NoParquet",
    "What",
    "Writer",
    "form_of",
    "whole_file",
]
