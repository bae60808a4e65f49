"""Parsing: from cells and values by key to the fields of a customer."""

import pytest

from moregood_async.bulk.importing.columns import ColumnMapping
from moregood_async.bulk.importing.rows import describe_problems
from moregood_async.errors import InvalidRequest
from tests.bulk.importing.records import parse_cells

MAPPING = ColumnMapping.of(["First Name", "E-mail", "Tags", "Has subscription", "Sign up date"])


def test_cells_become_the_fields_of_a_customer() -> None:
    """Cells are stripped, blank ones left out, tags split; dates stay as they are."""
    row = parse_cells([" Ada\u00a0", "", "vip; new,vip", "Yes", "2024-12-15"], MAPPING)
    assert row.fields == {
        "first_name": "Ada",
        "tags": ["vip", "new"],
        "has_subscription": True,
        "signed_up_at": "2024-12-15",
    }
    assert row.problems == {}
    assert row.customer().first_name == "Ada"


def test_a_row_keeps_its_cells_unchanged() -> None:
    """A rejects file holds them byte for byte."""
    assert parse_cells([" Ada ", "x", "", "", ""], MAPPING).cells == (" Ada ", "x", "", "", "")


def test_letters_beyond_ascii_are_kept() -> None:
    assert parse_cells(["Zoë", "", "", "", ""], MAPPING).customer().first_name == "Zoë"


def test_a_full_name_becomes_first_and_last_name() -> None:
    """It is split at its first blank, or before the last name of another column."""
    mapping = ColumnMapping.of(["Name", "Surname"])

    def fields_of(name: str, surname: str) -> object:
        return parse_cells([name, surname], mapping).fields

    assert fields_of("Ada  King Lovelace", "") == {
        "first_name": "Ada",
        "last_name": "King Lovelace",
    }
    assert fields_of("Anna Maria Rossi", "Rossi") == {
        "first_name": "Anna Maria",
        "last_name": "Rossi",
    }
    assert fields_of("Rossi", "Rossi") == {"first_name": "Rossi", "last_name": "Rossi"}
    assert fields_of("Cher", "") == {"first_name": "Cher"}
    with pytest.raises(InvalidRequest) as caught:
        parse_cells(["", "Rossi"], mapping).customer()
    problems = describe_problems(caught.value.fields, mapping)
    assert problems.startswith("first_name (column Name): is required")


def test_a_full_name_with_a_comma_has_a_warning() -> None:
    """The last name may come first. The warning does not quote the name."""
    row = parse_cells(["Lovelace, Ada"], ColumnMapping.of(["Name"]))
    assert len(row.warnings) == 1
    assert "comma" in row.warnings[0]
    assert "Ada" not in row.warnings[0]


def test_a_row_lists_the_channels_by_which_its_person_must_not_be_asked() -> None:
    """Each has the column and the word of the first no."""
    mapping = ColumnMapping.of(["First Name", "Accepts Email Marketing", "Opt out"])
    assert parse_cells(["Ada", "no", ""], mapping).opted_out == {
        "email": "Accepts Email Marketing: no"
    }
    assert parse_cells(["Ada", "no", "2024-05-01"], mapping).opted_out == {
        "email": "Accepts Email Marketing: no",
        "sms": "Opt out: a date",
    }
    assert parse_cells(["Ada", "", ""], mapping).opted_out == {}
    assert parse_cells(["Ada", "perhaps", "no"], mapping).warnings == (
        "Accepts Email Marketing: cannot be understood, so it counts as a no; write yes or no",
    )


def test_a_row_whose_customer_may_have_been_asked_is_held() -> None:
    """The error column of an earlier import's rejects file says so."""
    mapping = ColumnMapping.of(["First Name", "error"])
    assert parse_cells(["Ada", "unknown: may have been asked"], mapping).held
    assert not parse_cells(["Ada", "email: is text"], mapping).held
