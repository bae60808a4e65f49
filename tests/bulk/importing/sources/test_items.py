"""Customers that are Python objects already."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from moregood_async.bulk.importing.columns import BadMapping
from moregood_async.bulk.importing.sources import read_customers, read_items
from moregood_async.models.customers import CustomerUpsert
from tests.bulk.importing.records import read_records, read_rows


def test_items_are_mappings_or_customers() -> None:
    """They are numbered from 1. Anything else is a rejected row, and is not quoted."""
    items = [CustomerUpsert(first_name="Ada", city=None), {"First name": "Bob"}, "canary"]
    source = read_items(items)  # type: ignore[arg-type]
    ada, bob, other = read_rows(source)
    assert ada.fields == {"first_name": "Ada"}
    assert bob.fields == {"first_name": "Bob"}
    assert [ada.line, bob.line, other.line] == [1, 2, 3]
    assert other.problems == {"row": ("is a str, not a mapping or a CustomerUpsert",)}
    assert source.total() == 3
    assert source.rereadable
    assert source.name == "rows"
    assert source.path is None
    assert source.fingerprint() is None
    assert read_records(source) == read_records(source)
    source.close()


def test_an_iterator_is_read_once_and_not_ahead() -> None:
    """Its keys are mapped row by row."""
    source = read_customers(iter([{"first_name": "Ada"}]))
    assert source.columns == ()
    assert not source.rereadable
    assert source.total() is None
    assert len(read_records(source)) == 1


async def test_an_async_iterable_is_read_as_it_arrives() -> None:
    """Its records are an async iterator too."""

    async def arriving() -> AsyncIterator[dict[str, str]]:
        yield {"first_name": "Ada"}
        yield {"first_name": "Bob"}

    source = read_customers(arriving())
    records = source.records()
    assert isinstance(records, AsyncIterator)
    assert [record.line async for record in records] == [1, 2]
    assert source.columns == ()
    assert not source.rereadable
    assert source.total() is None


@pytest.mark.parametrize("items", ["abc", b"abc", {"first_name": "Ada"}], ids=repr)
def test_a_single_mapping_or_a_text_is_refused(items: Any) -> None:
    """Passing one mapping for a list of them is a common slip."""
    with pytest.raises(TypeError, match="list of dicts"):
        read_items(items)


def test_a_chosen_key_goes_before_a_fields_own_name_in_every_row() -> None:
    """An empty choice ignores a key. Choices for an iterator cannot be checked."""
    items = [{"first_name": "A", "Nick": "B", "email": "a@example.com"}]
    [row] = read_rows(read_items(items, {"nick": "first_name", "email": ""}))
    assert row.fields == {"first_name": "B"}
    [row] = read_rows(read_items(iter(items), {"Nick": "first_name"}))
    assert row.fields["first_name"] == "B"
    with pytest.raises(BadMapping, match='no column "Nock"'):
        read_items(items, {"Nock": "first_name"})


def test_the_options_of_a_source_read_its_rows_in_the_same_way() -> None:
    """They survive JSON, because a journal stores them."""
    items = [{"first_name": "Ada", "Nick": "A", "phone": "415 555 2671"}]
    source = read_items(items, {"Nick": ""}, preset="square", region="US")
    options = json.loads(json.dumps(source.options()))
    again = read_customers(items, **options)
    assert again.options() == source.options()
    assert read_rows(again) == read_rows(source)
