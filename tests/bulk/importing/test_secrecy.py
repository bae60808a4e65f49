"""Nothing that the import prints or raises shows a cell; libraries are imported when needed.

Each text that is searched is the same in every run: a memory address in a default `repr` would
hold the digits of a phone now and then.
"""

import io
import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

from moregood_async.bulk.importing.rows import describe_problems
from moregood_async.bulk.importing.sources import (
    BadFile,
    Source,
    read_csv,
    read_customers,
    read_items,
    read_json_lines,
    read_parquet,
)
from moregood_async.bulk.importing.sources.byte_source import ByteSource
from moregood_async.bulk.importing.sources.text_source import open_text
from moregood_async.errors import InvalidRequest, MoreGoodError
from tests.bulk.importing.records import read_records
from tests.conftest import environment_without_coverage

EMAIL, PHONE, NAME = "canary@example.com", "+1 415 555 0199", "Canaria"
HEADERS = [
    "Name,Email,Phone,Accepts Email Marketing,unsubscribed_at,Has subscription,Sign up date",
    "Name;Email;Phone;Consent;Opt out;Subscriber;Created",
]
CELLS = [
    [NAME, EMAIL, PHONE, "no", "2024-05-01", "yes", "2024-05-01"],
    [NAME, EMAIL, f"{PHONE} x7", EMAIL, PHONE, EMAIL, PHONE],
    [f"{NAME}, {EMAIL}", "", EMAIL, NAME, NAME, NAME, NAME],
    [NAME, EMAIL],
    [f'"{NAME}', EMAIL],
    [f"{NAME}\0", EMAIL],
]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_no_text_about_a_row_shows_a_cell(header: str, encoding: str) -> None:
    """Neither a repr nor problems, warnings, opt-outs and errors with their tracebacks."""
    delimiter = ";" if ";" in header else ","
    lines = [header, *(delimiter.join(cells) for cells in CELLS), "é"]
    source = read_customers(io.BytesIO("\n".join(lines).encode(encoding)), region="US")
    texts = [repr(source), str(source.mapping), repr(source.mapping), str(source.options())]
    for record in read_records(source):
        row = source.row(record)
        texts += [repr(record), repr(row), *row.warnings, *row.opted_out.values()]
        texts.append(describe_problems(row.problems, source.mapping))
        try:
            row.customer()
        except InvalidRequest as error:
            texts += ["".join(traceback.format_exception(error))]
    assert len(texts) > 4 * len(CELLS)
    assert shown_in(texts) == []


def shown_in(texts: list[str]) -> list[str]:
    """Return the canaries and memory addresses that the texts show."""
    shown = [canary for canary in (EMAIL, PHONE, "555", NAME) if canary in "\n".join(texts)]
    return shown + re.findall(r"0x[0-9a-f]{6,}", "\n".join(texts))


def open_as(kind: str) -> Source:
    """Return a source of this kind that holds the canaries."""
    if kind == "csv":
        return read_csv(io.StringIO(f"Name,Phone\n{NAME},{PHONE}\n"))
    if kind == "jsonl":
        return read_json_lines(io.StringIO(f'{{"Name": "{NAME}", "Phone": "{PHONE}"}}\n'))
    if kind == "items":
        return read_items([{"Name": NAME, "Phone": PHONE}])
    pa: Any = pytest.importorskip("pyarrow")
    pq: Any = pytest.importorskip("pyarrow.parquet")
    file = io.BytesIO()
    pq.write_table(pa.table({"Name": [NAME], "Phone": [PHONE]}), file)
    return read_parquet(file)


@pytest.mark.parametrize(
    ("kind", "class_name"),
    [
        ("csv", "CustomerFile"),
        ("jsonl", "JsonLinesFile"),
        ("items", "Items"),
        ("parquet", "ParquetFile"),
    ],
)
def test_the_repr_of_a_source_shows_its_name_format_and_columns_only(
    kind: str, class_name: str
) -> None:
    source = open_as(kind)
    assert len(read_records(source)) == 1
    expected = f"{class_name}(name='rows', format='{kind}', columns=('Name', 'Phone'))"
    assert repr(source) == expected


@pytest.mark.parametrize("kind", ["csv", "jsonl", "items", "parquet"])
def test_the_repr_of_what_a_source_is_made_of_shows_no_cell(kind: str) -> None:
    """The parser caches mappings, and the origin holds the first bytes."""
    source = open_as(kind)
    [record] = read_records(source)
    source.row(record)
    parts = [each for each in vars(source).values() if type(each).__module__.startswith("moregood")]
    assert len(parts) >= 2
    assert shown_in([repr(each) for each in parts]) == []


def test_the_repr_of_a_file_shows_its_name_and_none_of_its_content(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(f"Name,Phone\n{NAME},{PHONE}\n")
    assert repr(ByteSource(path)) == "ByteSource(name='customers.csv')"
    assert repr(open_text(path)) == "TextSource(name='customers.csv', encoding='utf-8')"
    in_memory = open_text(io.StringIO(f"Name,Phone\n{NAME},{PHONE}\n"))
    assert repr(in_memory) == "TextSource(name='rows', encoding='utf-8')"


@pytest.mark.parametrize(
    "content",
    [f"{EMAIL},{PHONE}\n", f'[{{"email": "{EMAIL}"}}]', f'{{"email": "{EMAIL}"', f'"{EMAIL}\n'],
)
def test_no_error_about_a_file_shows_a_cell(content: str) -> None:
    """Neither does its traceback."""
    with pytest.raises(MoreGoodError) as caught:
        read_customers(io.BytesIO(content.encode()))
    text = "".join(traceback.format_exception(caught.value))
    assert EMAIL not in text.replace(repr(content), "")
    assert isinstance(caught.value, BadFile) or "first_name" in str(caught.value)


def test_phonenumbers_and_pyarrow_are_imported_only_when_they_are_needed() -> None:
    """A CSV of numbers without a country code needs neither."""
    script = (
        "import io, sys\n"
        "from moregood_async.bulk import read_csv\n"
        "list(read_csv(io.StringIO('First Name,Phone\\nAda,415 555 2671\\n')))\n"
        "assert not {'phonenumbers', 'pyarrow'} & set(sys.modules)\n"
        "list(read_csv(io.StringIO('First Name,Phone\\nAda,415 555 2671\\n'), region='US'))\n"
        "assert 'phonenumbers' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], env=environment_without_coverage(), check=True)
