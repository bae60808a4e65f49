"""File formats by suffix, and their page encoders."""

from pathlib import Path

import pytest

from moregood_async.bulk.exporting import FILE_FORMATS, FileFormat, detect_file_format
from moregood_async.bulk.exporting.file_formats import page_encoder_for
from moregood_async.models.reviews import Review


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_a_suffix_names_its_file_format(file_format: FileFormat) -> None:
    """Upper case is fine; an unknown suffix leaves the default."""
    assert detect_file_format(Path(f"out.{file_format.upper()}"), "csv") == file_format
    assert detect_file_format(Path("out.ndjson")) == "jsonl"
    assert detect_file_format(Path("out.txt"), "parquet") == "parquet"


@pytest.mark.parametrize(
    ("file_format", "expected"),
    [("csv", "TextEncoder(CsvWriter, Review)"), ("jsonl", "TextEncoder(JsonLinesWriter, Review)")],
)
def test_the_repr_of_an_encoder_names_its_writer_and_model(
    file_format: FileFormat, expected: str
) -> None:
    encoder = page_encoder_for(file_format, Review)
    encoder.encode([Review(id=1, review="canary")])
    assert repr(encoder) == expected
