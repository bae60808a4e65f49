"""Lists exported to CSV, JSON Lines or Parquet, page by page; an interrupted export resumes."""

from moregood_async.bulk.exporting.arrow import NoParquet
from moregood_async.bulk.exporting.checkpoint import CannotExport
from moregood_async.bulk.exporting.export import Export, ListName, PageWritten
from moregood_async.bulk.exporting.file_formats import (
    FILE_FORMATS,
    FileFormat,
    detect_file_format,
)
from moregood_async.bulk.exporting.files import whole_file
from moregood_async.bulk.exporting.text import CsvWriter, JsonLinesWriter, Writer

__all__ = [
    "CannotExport",
    "CsvWriter",
    "Export",
    "FILE_FORMATS",
    "FileFormat",
    "JsonLinesWriter",
    "ListName",
    "NoParquet",
    "PageWritten",
    "Writer",
    "detect_file_format",
    "whole_file",
]
