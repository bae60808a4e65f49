"""Customers of JSON Lines files."""

import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.importing.columns import BadMapping
from moregood_async.bulk.importing.rows import MAY_HAVE_BEEN_ASKED
from moregood_async.bulk.importing.sources import (
    BadFile,
    read_customers,
    read_items,
    read_json_lines,
)
from tests.bulk.importing.records import read_records, read_rows
from tests.bulk.importing.sources.pipes import TextPipe


def json_lines(*items: object) -> io.BytesIO:
    """Return a file of these items, one a line."""
    return io.BytesIO("".join(json.dumps(item) + "\n" for item in items).encode())


def test_the_keys_of_each_row_decide_what_its_values_are() -> None:
    """A field's own name before synonyms, the first key before later ones."""
    source = read_json_lines(
        json_lines(
            {"Mail": "a@example.com", "email": "b@example.com", "first_name": "A", "age": 7},
            {"Mail": "c@example.com", "Full name": "Cy Dee"},
            {"Work email": "d@example.com", "Mail": "e@example.com", "first_name": "E"},
        )
    )
    assert [row.fields for row in read_rows(source)] == [
        {"email": "b@example.com", "first_name": "A"},
        {"email": "c@example.com", "first_name": "Cy", "last_name": "Dee"},
        {"email": "d@example.com", "first_name": "E"},
    ]
    assert source.columns == ("Mail", "email", "first_name", "age", "Full name", "Work email")


@pytest.mark.parametrize(
    ("values", "opted_out"),
    [
        (
            {"email_marketing_consent": {"state": "unsubscribed"}, "unsubscribed_at": None},
            {"email": "email_marketing_consent: unsubscribed"},
        ),
        (
            {"unsubscribed_at": date(2024, 5, 1)},
            {"email": "unsubscribed_at: a date", "sms": "unsubscribed_at: a date"},
        ),
    ],
    ids=["an object of Shopify's API", "a date"],
)
def test_consent_is_read_by_key(values: dict[str, Any], opted_out: dict[str, str]) -> None:
    [row] = read_rows(read_items([{"first_name": "Ada", **values}]))
    assert row.opted_out == opted_out


def test_a_row_whose_customer_may_have_been_asked_is_held() -> None:
    """As in a CSV, the error of an earlier import says so."""
    asked, rejected = read_rows(
        read_items(
            [
                {"first_name": "Ada", "error": f"{MAY_HAVE_BEEN_ASKED} look first"},
                {"first_name": "Bob", "error": "email: is text"},
            ]
        )
    )
    assert asked.held
    assert not rejected.held


def test_the_cells_of_a_row_follow_the_columns_of_its_source() -> None:
    """A rejects file is a table. Without columns, the cells are those of the row's own keys."""
    source = read_json_lines(
        json_lines({"first_name": "A", "tags": ["x"]}, {"city": "\ud800", "first_name": None})
    )
    assert [row.cells for row in read_rows(source)] == [("A", '["x"]', ""), ("", "", "?")]
    [row] = read_rows(read_items(iter([{"b": True, "a": None}])))
    assert row.cells == ("true", "")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"canary", "is not JSON (at character 1"),
        (b'{"first_name": "canary"', "is not JSON"),
        (b'"canary"', "is not a JSON object"),
        (b"[1]", "is not a JSON object"),
        (b'{"first_name": "Zo\xeb"}', "not UTF-8"),
        (b"[" * 100_000, "is not readable JSON"),
    ],
    ids=["no JSON", "cut short", "a string", "a list", "other bytes", "too deep"],
)
def test_a_line_that_is_no_object_is_a_rejected_row(line: bytes, problem: str) -> None:
    """It keeps its line number and its text, for the rejects file; the reason quotes nothing."""
    content = '{"first_name": "Zoë"}\n\n'.encode() + line + b'\n{"first_name": "Bob"}\n'
    source = read_json_lines(io.BytesIO(content))
    good, bad, last = read_rows(source)
    assert [good.line, bad.line, last.line] == [1, 3, 4]
    assert problem in bad.problems["row"][0]
    assert "canary" not in bad.problems["row"][0]
    assert bad.cells == (line.decode("utf-8", "surrogateescape") + "\n",)


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b'[{"first_name": "Ada"}]', "jq -c '.[]'"),
        (b'{\n  "first_name": "Ada"\n}\n', "jq -c ."),
        (b"First Name\nAda\n", "no row has a key"),
    ],
)
def test_other_json_is_refused_with_the_command_that_converts_it(
    content: bytes, advice: str
) -> None:
    """An array, and objects with line breaks."""
    with pytest.raises(BadFile) as caught:
        read_customers(io.BytesIO(content), format="json")
    assert advice in str(caught.value)


def test_a_file_without_first_names_is_refused() -> None:
    """A pipe cannot be read ahead: its rows are checked one by one."""
    with pytest.raises(BadMapping, match="first_name"):
        read_json_lines(json_lines({"mail": "ada@example.com"}))
    source = read_json_lines(TextPipe('{"mail": "ada@example.com"}'))
    assert source.columns == ("mail",)
    assert [row.fields for row in read_rows(source)] == [{"email": "ada@example.com"}]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_json_lines_may_have_any_encoding(encoding: str) -> None:
    """A byte order mark is no part of the first object."""
    source = read_customers(io.BytesIO('{"first_name": "Zoë"}\n'.encode(encoding)))
    assert [row.fields for row in read_rows(source)] == [{"first_name": "Zoë"}]


def test_a_json_lines_file_can_be_read_more_than_once(tmp_path: Path) -> None:
    path = tmp_path / "customers.jsonl"
    path.write_text('{"first_name": "Ada"}\n{"first_name": "Bob"}\n')
    source = read_customers(path)
    abandoned = source.records()
    assert isinstance(abandoned, Iterator)
    next(abandoned)
    assert len(read_records(source)) == 2
    assert len(read_records(source)) == 2
    assert source.total() == 2
    source.close()
    assert list(abandoned) == []
    fingerprint = source.fingerprint()
    assert fingerprint is not None
    assert fingerprint.size == path.stat().st_size
    assert source.name == "customers.jsonl"
    assert source.path == path


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.dictionaries(TEXTS, TEXTS | st.integers() | st.none()), max_size=5))
def test_objects_that_are_written_as_json_lines_are_read_back(items: list[dict[str, Any]]) -> None:
    """Whatever their letters; each row is parsed or has a problem."""
    content = "\n".join(json.dumps(item, ensure_ascii=False) for item in items)
    source = read_json_lines(
        io.StringIO('{"first_name": "Ada"}\n' + content, newline="\n"), {}, preset="none"
    )
    assert [record.values for record in read_records(source)][1:] == items
    read_rows(source)
