"""Records and rows: customers, problems, and a `repr` without cells."""

import pytest

from moregood_async.bulk.importing.columns import ColumnMapping
from moregood_async.bulk.importing.rows import Record, Row, describe_problems, strip_guard
from moregood_async.errors import InvalidRequest
from tests.bulk.importing.records import parse_cells

MAPPING = ColumnMapping.of(
    ["First Name", "E-mail", "Tags", "Has subscription", "Sign up date", "Index"]
)


def parse(*cells: str) -> Row:
    """Return a row of these cells; the others are blank."""
    return parse_cells([*cells, *[""] * (6 - len(cells))], MAPPING)


def test_all_problems_of_a_row_are_reported_at_once() -> None:
    """Those of the cells and those of the model, by field and column, without the cells."""
    with pytest.raises(InvalidRequest) as caught:
        parse("", "", "", "perhaps", "12/31/2024").customer()
    assert set(caught.value.fields) == {"first_name", "has_subscription", "signed_up_at"}
    sentence = describe_problems(caught.value.fields, MAPPING)
    assert "first_name (column First Name): is required" in sentence
    assert "signed_up_at (column Sign up date): " in sentence
    assert "perhaps" not in sentence


def test_one_problem_rejects_a_row_with_a_complete_customer() -> None:
    with pytest.raises(InvalidRequest, match="yes or no"):
        parse("Ada", "", "", "perhaps").customer()


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (["Ada"], "has 1 cell but the header has 6"),
        (["Ada"] * 7, "has 7 cells but the header has 6"),
        (["A\0da", *[""] * 5], "NUL"),
        (["Ad\udce9", *[""] * 5], "not UTF-8"),
    ],
    ids=["too few", "too many", "NUL", "undecodable"],
)
def test_an_unreadable_row_is_rejected_and_keeps_its_cells(cells: list[str], problem: str) -> None:
    row = parse_cells(cells, MAPPING)
    with pytest.raises(InvalidRequest, match=problem):
        row.customer()
    assert row.cells == tuple(cells)
    assert problem in describe_problems(row.problems, MAPPING)


def test_a_problem_of_a_field_without_a_column_names_the_field_only() -> None:
    """A required field that no column holds has such problems."""
    assert describe_problems({"city": ("is text",)}, MAPPING) == "city: is text"


def test_the_repr_of_a_row_shows_no_cell() -> None:
    row = parse("Ada", "ada@example.com")
    assert repr(row) == "Row(line=2, problems={}, held=False, warnings=(), opted_out={})"
    assert "Ada" not in repr(Record(2, row.cells))


def test_the_guard_that_exports_put_before_formulas_is_removed() -> None:
    """An apostrophe before = + - @, and no other."""
    assert parse("'@da").fields["first_name"] == "@da"
    assert [strip_guard(cell) for cell in ("'=a", "'@a", "'s", "a")] == ["=a", "@a", "'s", "a"]
