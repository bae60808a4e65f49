"""`read_customers` detects formats, and its arguments override what is detected."""

import io

import pytest

from moregood_async.bulk.importing.sources import BadFile, read_customers
from tests.bulk.importing.records import read_records


@pytest.mark.parametrize(
    ("text", "file_format"),
    [('{"first_name": "A"}', "jsonl"), ("First Name\nA\n", "csv")],
)
def test_the_format_of_a_text_is_detected_by_its_first_letter(text: str, file_format: str) -> None:
    assert read_customers(io.StringIO(text)).options()["format"] == file_format


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "utf-9"}, 'no encoding "utf-9"'),
        ({"encoding": "hex"}, 'no encoding "hex"'),
        ({"delimiter": "::"}, "one character"),
        ({"format": "xlsx"}, "csv, jsonl and parquet"),
    ],
)
def test_a_wrong_argument_is_refused_with_the_right_ones(
    options: dict[str, str], message: str
) -> None:
    """Before any row is read."""
    with pytest.raises(BadFile, match=message):
        read_customers(io.BytesIO(b"First Name\nAda\n"), **options)  # type: ignore[arg-type]


def test_an_encoding_and_a_delimiter_that_are_named_are_used() -> None:
    """UTF-16 without a mark needs no byte order in its name."""
    content = "First Name|Ort\nZoë|Köln\n".encode("iso8859-15")
    source = read_customers(io.BytesIO(content), encoding="latin9", delimiter="|")
    assert source.row(read_records(source)[0]).fields["first_name"] == "Zoë"
    assert source.options()["encoding"] == "iso8859-15"
    wide = read_customers(io.BytesIO("First Name\nZoë\n".encode("utf-16-le")), encoding="utf-16")
    assert wide.row(read_records(wide)[0]).fields["first_name"] == "Zoë"
