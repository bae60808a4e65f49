"""Customers by key: JSON Lines, Parquet, and Python's own mappings."""

import io
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.importing.columns import BadMapping
from moregood_async.bulk.importing.rows import MAY_HAVE_BEEN_ASKED, Record, Row
from moregood_async.bulk.importing.sources import (
    BadFile,
    Source,
    read_customers,
    read_items,
    read_json_lines,
    read_parquet,
)
from moregood_async.errors import ConfigurationError
from moregood_async.models.customers import CustomerUpsert

pa: Any = pytest.importorskip("pyarrow")
pq: Any = pytest.importorskip("pyarrow.parquet")


def records_of(source: Source) -> list[Record]:
    """All records of a source that is not async."""
    records = source.records()
    assert isinstance(records, Iterator)
    return list(records)


def rows_of(source: Source) -> list[Row]:
    """All its rows."""
    return [source.row(record) for record in records_of(source)]


def json_lines(*items: object) -> io.BytesIO:
    """A file of these, one a line."""
    return io.BytesIO("".join(json.dumps(item) + "\n" for item in items).encode())


def one(**values: Any) -> Row:
    """The row of one item."""
    [row] = rows_of(read_items([{"first_name": "Ada", **values}]))
    return row


@pytest.mark.parametrize(
    ("key", "value", "field", "read"),
    [
        ("zip", 94110, "postal_code", "94110"),
        ("zip", 94110.0, "postal_code", "94110"),
        ("phone", 14155552671, "phone", "14155552671"),
        ("City", " Köln ", "city", "Köln"),
        ("company", Decimal("7.50"), "company", "7.50"),
        ("company", 1.5, "company", "1.5"),
        ("notes", UUID(int=1), "notes", "00000000-0000-0000-0000-000000000001"),
        ("notes", date(2024, 5, 1), "notes", "2024-05-01"),
        ("tags", ["vip", " ", "new", "vip"], "tags", ["vip", "new"]),
        ("tags", "vip;new", "tags", ["vip", "new"]),
        ("has_subscription", True, "has_subscription", True),
        ("has_subscription", 0, "has_subscription", False),
        ("has_subscription", "yes", "has_subscription", True),
        ("created", 1714559400, "signed_up_at", datetime(2024, 5, 1, 10, 30, tzinfo=UTC)),
        ("created", 1714559400000, "signed_up_at", datetime(2024, 5, 1, 10, 30, tzinfo=UTC)),
        ("created", date(2024, 5, 1), "signed_up_at", date(2024, 5, 1)),
        ("created", datetime(2024, 5, 1, 10, 30), "signed_up_at", date(2024, 5, 1)),
        (
            "created",
            datetime(2024, 5, 1, tzinfo=UTC),
            "signed_up_at",
            datetime(2024, 5, 1, tzinfo=UTC),
        ),
        ("created", "2024-05-01T10:30:00Z", "signed_up_at", "2024-05-01T10:30:00Z"),
    ],
)
def test_a_value_is_read_as_its_field_takes_it(
    key: str, value: object, field: str, read: object
) -> None:
    """Numbers and dates as text, words as flags, seconds as times."""
    row = one(**{key: value})
    assert row.fields[field] == read
    row.customer()


@pytest.mark.parametrize("value", [None, "", " ", float("nan")], ids=repr)
def test_a_null_is_left_out(value: object) -> None:
    """It does not clear what the server has; another key of the same field counts then."""
    assert one(email=value, Mail="ada@example.com").fields["email"] == "ada@example.com"
    assert "tags" not in one(tags=value).fields


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("city", True, "is text, not true or false"),
        ("city", ["Köln"], "is text, not a list"),
        ("address1", {"line1": "canary"}, "is text, not an object"),
        ("city", b"canary", "is text, not bytes"),
        ("city", object(), "is text, not a object"),
        ("city", "ca\0nary", "holds a NUL"),
        ("tags", [["canary"]], "is text, not a list"),
        ("has_subscription", 2, "is yes or no"),
        ("created", True, "is text, not true or false"),
        ("created", 1e300, "is no date"),
    ],
)
def test_a_value_that_cannot_be_is_a_problem_of_its_row(
    key: str, value: object, problem: str
) -> None:
    """And is not quoted."""
    [[said]] = one(**{key: value}).problems.values()
    assert problem in said
    assert "canary" not in said


def test_each_row_says_by_its_own_keys_what_it_holds() -> None:
    """A field's own name before others, the first before later ones, unknown ones ignored."""
    source = read_json_lines(
        json_lines(
            {"Mail": "a@example.com", "email": "b@example.com", "first_name": "A", "age": 7},
            {"Mail": "c@example.com", "Full name": "Cy Dee"},
            {"Work email": "d@example.com", "Mail": "e@example.com", "first_name": "E"},
        )
    )
    assert [row.fields for row in rows_of(source)] == [
        {"email": "b@example.com", "first_name": "A"},
        {"email": "c@example.com", "first_name": "Cy", "last_name": "Dee"},
        {"email": "d@example.com", "first_name": "E"},
    ]
    assert source.columns == ("Mail", "email", "first_name", "age", "Full name", "Work email")


def test_what_is_chosen_wins_in_every_row() -> None:
    """Before a field's own name; an empty choice leaves a key out."""
    items = [{"first_name": "A", "Nick": "B", "email": "a@example.com"}]
    chosen = {"nick": "first_name", "email": ""}
    assert rows_of(read_items(items, chosen))[0].fields == {"first_name": "B"}
    assert rows_of(read_items(iter(items), {"Nick": "first_name"}))[0].fields["first_name"] == "B"
    with pytest.raises(BadMapping, match='no column "Nock"'):
        read_items(items, {"Nock": "first_name"})


def test_opt_outs_are_read_by_key() -> None:
    """Those of Shopify's API are objects."""
    consent = {"state": "unsubscribed"}
    assert one(email_marketing_consent=consent, unsubscribed_at=None).opted_out == {
        "email": "email_marketing_consent: unsubscribed"
    }
    assert set(one(unsubscribed_at=date(2024, 5, 1)).opted_out) == {"email", "sms"}


def test_a_row_that_may_have_been_asked_is_held() -> None:
    """As in a CSV."""
    assert one(error=f"{MAY_HAVE_BEEN_ASKED} look first").held
    assert not one(error="email: is text").held


def test_the_cells_of_a_row_stand_in_its_columns() -> None:
    """So that rejects can be written as a table."""
    source = read_json_lines(
        json_lines({"first_name": "A", "tags": ["x"]}, {"city": "\ud800", "first_name": None})
    )
    assert [row.cells for row in rows_of(source)] == [("A", '["x"]', ""), ("", "", "?")]
    [row] = rows_of(read_items(iter([{"b": True, "a": None}])))
    assert row.cells == ("true", "")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"canary", "is no JSON (at character 1"),
        (b'{"first_name": "canary"', "is no JSON"),
        (b'"canary"', "is no JSON object"),
        (b"[1]", "is no JSON object"),
        (b'{"first_name": "Zo\xeb"}', "not UTF-8"),
        (b"[" * 100_000, "is no JSON"),
    ],
    ids=["no JSON", "cut short", "a string", "a list", "other bytes", "too deep"],
)
def test_a_line_that_is_no_object_is_a_rejected_row(line: bytes, problem: str) -> None:
    """With its number, its text for the rejects, and no word of it in the reason."""
    content = '{"first_name": "Zoë"}\n\n'.encode() + line + b'\n{"first_name": "Bob"}\n'
    source = read_json_lines(io.BytesIO(content))
    good, bad, last = rows_of(source)
    assert [good.line, bad.line, last.line] == [1, 3, 4]
    assert problem in bad.problems["row"][0]
    assert "canary" not in bad.problems["row"][0]
    assert bad.cells == (line.decode("utf-8", "surrogateescape") + "\n",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b'[{"first_name": "Ada"}]', "jq -c '.[]'"),
        (b'{\n  "first_name": "Ada"\n}\n', "jq -c ."),
        (b"First Name\nAda\n", "no row has a key"),
    ],
)
def test_other_json_says_how_to_convert_it(content: bytes, told: str) -> None:
    """An array, and objects over several lines."""
    with pytest.raises(BadFile) as caught:
        read_customers(io.BytesIO(content), format="json")
    assert told in str(caught.value)


def test_a_file_without_first_names_is_a_bad_mapping() -> None:
    """Told at once where the file can be read again; of a pipe, row by row."""
    with pytest.raises(BadMapping, match="first_name"):
        read_json_lines(json_lines({"mail": "ada@example.com"}))

    class Once(io.StringIO):
        def seekable(self) -> bool:
            return False

    source = read_json_lines(Once('{"mail": "ada@example.com"}'))
    assert source.columns == ("mail",)
    assert [row.fields for row in rows_of(source)] == [{"email": "ada@example.com"}]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_json_lines_may_be_in_any_encoding(encoding: str) -> None:
    """A byte order mark is no part of the first object."""
    source = read_customers(io.BytesIO('{"first_name": "Zoë"}\n'.encode(encoding)))
    assert [row.fields for row in rows_of(source)] == [{"first_name": "Zoë"}]


def test_json_lines_come_again_from_the_start(tmp_path: Path) -> None:
    """As a CSV's records do."""
    path = tmp_path / "customers.jsonl"
    path.write_text('{"first_name": "Ada"}\n{"first_name": "Bob"}\n')
    source = read_customers(path)
    early = source.records()
    assert isinstance(early, Iterator)
    next(early)
    assert len(records_of(source)) == len(records_of(source)) == source.total() == 2
    source.close()
    assert list(early) == []
    print_of = source.fingerprint()
    assert print_of is not None
    assert print_of.size == path.stat().st_size
    assert (source.name, source.path) == ("customers.jsonl", path)


def table(tmp_path: Path, **columns: Any) -> Path:
    """A Parquet file of these columns."""
    path = tmp_path / "customers.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_parquet_is_read(tmp_path: Path) -> None:
    """Row by row from 1, with its own types, again and again."""
    path = table(
        tmp_path,
        first_name=["Ada", "Bob", None],
        zip=[94110, None, 1],
        created=[date(2024, 5, 1), None, None],
        tags=[["vip"], [], None],
    )
    source = read_customers(path, region="US")
    assert [row.line for row in rows_of(source)] == [1, 2, 3]
    assert [row.fields for row in rows_of(source)] == [
        {
            "first_name": "Ada",
            "postal_code": "94110",
            "signed_up_at": date(2024, 5, 1),
            "tags": ["vip"],
        },
        {"first_name": "Bob", "tags": []},
        {"postal_code": "1"},
    ]
    early = source.records()
    assert isinstance(early, Iterator)
    next(early)
    source.close()
    assert list(early) == []
    assert (source.total(), source.rereadable, source.path) == (3, True, path)
    assert source.fingerprint() is not None
    again = read_customers(path, **source.options())
    assert again.options() == source.options()
    assert rows_of(again) == rows_of(source)
    assert rows_of(read_parquet(io.BytesIO(path.read_bytes()))) == rows_of(read_customers(path))


def test_a_bad_parquet_file_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    """One that is none, that is cut short, that names a column twice, that comes once."""
    path = table(tmp_path, first_name=["Ada"])
    whole = path.read_bytes()
    for content in (b"PAR1", whole[:-9], b"First Name\nAda\n"):
        path.write_bytes(content)
        with pytest.raises(BadFile, match="no Parquet file"):
            read_parquet(path)
    twice = pa.Table.from_arrays([pa.array(["A"])] * 2, names=["first_name"] * 2)
    pq.write_table(twice, path)
    with pytest.raises(BadFile, match="there twice"):
        read_customers(path)

    class Once(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(BadFile, match="save it to a file first"):
        read_customers(Once(whole))


def test_without_pyarrow_parquet_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In so many words."""
    path = table(tmp_path, first_name=["Ada"])
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigurationError, match=r'pip install "moregood_async\[parquet\]"'):
        read_customers(path)


def test_items_are_mappings_or_values() -> None:
    """Counted from 1; anything else is a rejected row, and so is nothing of theirs shown."""
    items = [CustomerUpsert(first_name="Ada", city=None), {"First name": "Bob"}, "canary"]
    source = read_items(items)  # type: ignore[arg-type]
    ada, bob, other = rows_of(source)
    assert [ada.fields, bob.fields] == [{"first_name": "Ada"}, {"first_name": "Bob"}]
    assert [ada.line, bob.line, other.line] == [1, 2, 3]
    assert other.problems == {"row": ("is a str, not a mapping or a CustomerUpsert",)}
    assert (source.total(), source.rereadable, source.name) == (3, True, "rows")
    assert (source.path, source.fingerprint()) == (None, None)
    assert records_of(source) == records_of(source)
    source.close()


def test_an_iterator_is_read_once_and_not_ahead() -> None:
    """Its keys are known row by row."""
    source = read_customers(iter([{"first_name": "Ada"}]))
    assert (source.columns, source.rereadable, source.total()) == ((), False, None)
    assert len(records_of(source)) == 1


async def test_an_async_iterable_is_read_as_it_comes() -> None:
    """Its records are async too."""

    async def coming() -> AsyncIterator[dict[str, str]]:
        yield {"first_name": "Ada"}
        yield {"first_name": "Bob"}

    source = read_customers(coming())
    records = source.records()
    assert isinstance(records, AsyncIterator)
    assert [record.line async for record in records] == [1, 2]
    assert (source.columns, source.rereadable, source.total()) == ((), False, None)


@pytest.mark.parametrize("items", ["abc", b"abc", {"first_name": "Ada"}], ids=repr)
def test_what_is_no_iterable_of_mappings_is_refused(items: Any) -> None:
    """One mapping is a common slip."""
    with pytest.raises(TypeError, match="list of dicts"):
        read_items(items)


def test_the_same_options_read_alike() -> None:
    """They survive JSON, as in a journal."""
    items = [{"first_name": "Ada", "Nick": "A", "phone": "415 555 2671"}]
    source = read_items(items, {"Nick": ""}, preset="square", region="US")
    options = json.loads(json.dumps(source.options()))
    again = read_customers(items, **options)
    assert again.options() == source.options()
    assert rows_of(again) == rows_of(source)


def test_the_format_is_told() -> None:
    """By the first letter of a text, too."""
    assert read_customers(io.StringIO('{"first_name": "A"}')).options()["format"] == "jsonl"
    assert read_customers(io.StringIO("First Name\nA\n")).options()["format"] == "csv"


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.dictionaries(TEXTS, TEXTS | st.integers() | st.none()), max_size=5))
def test_what_is_written_as_json_lines_is_read(items: list[dict[str, Any]]) -> None:
    """The same values, whatever their letters; the row is parsed or says why not."""
    content = "\n".join(json.dumps(item, ensure_ascii=False) for item in items)
    source = read_json_lines(
        io.StringIO('{"first_name": "Ada"}\n' + content, newline="\n"), {}, preset="none"
    )
    assert [record.values for record in records_of(source)][1:] == items
    rows_of(source)
