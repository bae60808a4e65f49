"""What a line's cells say about a customer."""

import pytest

from moregood_async.bulk.importing.columns import ColumnMapping
from moregood_async.bulk.importing.parsing import row_of
from moregood_async.bulk.importing.rows import Record, Row, strip_guard, told
from moregood_async.bulk.importing.values import slugs_in, yes_or_no
from moregood_async.errors import InvalidRequest

MAPPING = ColumnMapping.of(
    ["First Name", "E-mail", "Tags", "Has subscription", "Sign up date", "Index"]
)


def row(*cells: str) -> Row:
    """A row of these cells, the others blank."""
    return row_of(2, [*cells, *[""] * (6 - len(cells))], MAPPING)


def test_cells_become_fields() -> None:
    """Stripped, blank ones left out, tags split, yes and no told; dates stay as they are."""
    found = row(" Ada\u00a0", "", "vip; new,vip", "Yes", "2024-12-15", "17")
    expected = {
        "first_name": "Ada",
        "tags": ["vip", "new"],
        "has_subscription": True,
        "signed_up_at": "2024-12-15",
    }
    assert expected == found.fields
    assert found.problems == {}
    assert found.customer().first_name == "Ada"


def test_the_original_cells_stay() -> None:
    """For the rejects, byte for byte."""
    assert row(" Ada ", "x").cells == (" Ada ", "x", "", "", "", "")


@pytest.mark.parametrize("word", ["yes", "Y", "true", "T", "1", "on"])
def test_a_yes_is_true(word: str) -> None:
    """In any case and spelling."""
    assert yes_or_no(word) is True


@pytest.mark.parametrize("word", ["no", "N", "False", "0", "off"])
def test_a_no_is_false(word: str) -> None:
    """In any case and spelling."""
    assert yes_or_no(word) is False


def test_all_problems_of_a_row_come_at_once() -> None:
    """Those of the cells and those of the model, by field and column."""
    with pytest.raises(InvalidRequest) as caught:
        row("", "", "", "perhaps", "12/31/2024").customer()
    assert {"first_name", "has_subscription", "signed_up_at"} == set(caught.value.fields)
    sentence = told(caught.value.fields, MAPPING)
    assert "first_name (column First Name): is required" in sentence
    assert "signed_up_at (column Sign up date): is no ISO 8601 date" in sentence
    assert "perhaps" not in sentence


def test_a_cell_that_is_no_yes_or_no_rejects_the_row() -> None:
    """Even where all else is right."""
    with pytest.raises(InvalidRequest, match="yes or no"):
        row("Ada", "", "", "perhaps").customer()


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (["Ada"], "has 1 cell where the header has 6"),
        (["Ada"] * 7, "has 7 cells where the header has 6"),
        (["A\0da", *[""] * 5], "NUL"),
        (["Ad\udce9", *[""] * 5], "not UTF-8"),
    ],
    ids=["too few", "too many", "NUL", "undecodable"],
)
def test_an_unreadable_row_says_what_to_do(cells: list[str], problem: str) -> None:
    """It is a rejected row, and its cells are kept."""
    found = row_of(7, cells, MAPPING)
    with pytest.raises(InvalidRequest, match=problem):
        found.customer()
    assert tuple(cells) == found.cells
    assert problem in told(found.problems, MAPPING)


def test_a_whole_name_becomes_two() -> None:
    """Split at its first blank; a last name of its own goes before."""
    whole = ColumnMapping.of(["Name", "Surname"])
    assert row_of(2, ["Ada  King Lovelace", ""], whole).fields == {
        "first_name": "Ada",
        "last_name": "King Lovelace",
    }
    assert row_of(2, ["Anna Maria Rossi", "Rossi"], whole).fields["first_name"] == "Anna Maria"
    assert row_of(2, ["Rossi", "Rossi"], whole).fields["first_name"] == "Rossi"
    assert row_of(2, ["Cher", ""], whole).fields == {"first_name": "Cher"}
    with pytest.raises(InvalidRequest) as caught:
        row_of(2, ["", "Rossi"], whole).customer()
    assert told(caught.value.fields, whole).startswith("first_name (column Name): is required")


def test_a_name_with_a_comma_is_doubtful() -> None:
    """It may be the last name that comes first; the warning does not say whose it is."""
    found = row_of(2, ["Lovelace, Ada"], ColumnMapping.of(["Name"]))
    assert len(found.warnings) == 1
    assert "comma" in found.warnings[0]
    assert "Ada" not in found.warnings[0]


def test_a_row_says_through_what_its_person_must_not_be_asked() -> None:
    """With the column and the word, for a repeated no the first."""
    mapping = ColumnMapping.of(["First Name", "Accepts Email Marketing", "Opt out"])
    assert row_of(2, ["Ada", "no", ""], mapping).opted_out == {
        "email": "Accepts Email Marketing: no"
    }
    assert row_of(2, ["Ada", "no", "2024-05-01"], mapping).opted_out == {
        "email": "Accepts Email Marketing: no",
        "sms": "Opt out: a date",
    }
    assert row_of(2, ["Ada", "", ""], mapping).opted_out == {}
    assert row_of(2, ["Ada", "perhaps", "no"], mapping).warnings == (
        "Accepts Email Marketing: cannot be understood, so it counts as a no; write yes or no",
    )


def test_letters_beyond_ascii_are_fine() -> None:
    """A name may have any letters."""
    assert row("Zoë").customer().first_name == "Zoë"


def test_a_column_less_field_is_named_without_one() -> None:
    """A required field that no column holds."""
    assert told({"city": ("is text",)}, MAPPING) == "city: is text"


def test_the_repr_of_a_row_shows_nobody() -> None:
    """Only where it stands."""
    found = row("Ada", "ada@example.com")
    assert repr(found) == "Row(line=2, problems={}, held=False, warnings=(), opted_out={})"
    assert "Ada" not in repr(Record(2, found.cells))


def test_the_guard_of_exports_is_taken_off() -> None:
    """An apostrophe before = + - @, and no other."""
    assert row("'@da").fields["first_name"] == "@da"
    assert [strip_guard(cell) for cell in ("'=a", "'@a", "'s", "a")] == ["=a", "@a", "'s", "a"]


def test_slugs_are_split_once_each() -> None:
    """On commas and semicolons, blanks dropped."""
    assert slugs_in(" a ,; b c;a") == ["a", "b c"]


def test_a_row_that_may_have_been_asked_is_held() -> None:
    """The error that an earlier import wrote beside it says so."""
    mapping = ColumnMapping.of(["First Name", "error"])
    assert row_of(2, ["Ada", "unknown: may have been asked"], mapping).held
    assert not row_of(2, ["Ada", "email: is text"], mapping).held
