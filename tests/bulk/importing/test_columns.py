"""Columns find their fields by name, and the caller's choices win."""

import copy
import pickle

import pytest

from moregood_async.bulk.importing.columns import BadMapping, ColumnMapping, parse_choices
from moregood_async.bulk.importing.headers import FIELDS


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("First Name", "first_name"),
        ("first_name", "first_name"),
        ("FIRSTNAME", "first_name"),
        ("firstName", "first_name"),
        ("Given name", "first_name"),
        ("Last Name", "last_name"),
        ("Surname", "last_name"),
        ("Email", "email"),
        ("E-mail", "email"),
        ("Email Address", "email"),
        ("Phone", "phone"),
        ("Phone 1", "phone"),
        ("Phone 2", "phone"),
        ("Mobile Number", "phone"),
        ("Zip", "postal_code"),
        ("ZIP / Postal Code", "postal_code"),
        ("Company Name", "company"),
        ("Subscription Date", "signed_up_at"),
        ("Created At", "signed_up_at"),
        ("Address", "address1"),
        ("Address 1", "address1"),
        ("Address Line 2", "address2"),
        ("Ville", None),
        ("Country", None),
        ("Name", None),
        ("Customer Id", None),
    ],
)
def test_a_column_is_mapped_by_its_name(column: str, field: str | None) -> None:
    """Case, punctuation, a number at the end and common synonyms do not matter."""
    mapping = ColumnMapping.of(["Fname", column] if field != "first_name" else [column])
    assert mapping.get(column) == field


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_found_by_its_own_name(field: str) -> None:
    """In upper case too."""
    header = list(dict.fromkeys(["first_name", field]))
    assert ColumnMapping.of(header)[field] == field
    assert ColumnMapping.of([*header[:-1], header[-1].upper()])[field.upper()] == field


def test_the_first_of_two_columns_for_a_field_is_mapped() -> None:
    """The second one is ignored; the reason names the first."""
    mapping = ColumnMapping.of(["First Name", "Phone 1", "Phone 2"])
    assert mapping == {"First Name": "first_name", "Phone 1": "phone"}
    assert {column.name: column.why for column in mapping.ignored} == {
        "Phone 2": "phone comes from Phone 1"
    }


def test_a_chosen_column_goes_before_one_that_fits_by_name() -> None:
    mapping = ColumnMapping.of(["First Name", "Nick"], {"Nick": "first_name"})
    assert mapping == {"Nick": "first_name"}
    assert mapping.ignored[0].why == "first_name comes from Nick"
    assert mapping.column_of("first_name") == "Nick"
    assert mapping.column_of("city") is None


def test_a_column_can_be_ignored_by_choice() -> None:
    """The next column that fits is mapped."""
    mapping = ColumnMapping.of(["First Name", "Phone 1", "Phone 2"], {"phone 1": ""})
    assert mapping == {"First Name": "first_name", "Phone 2": "phone"}


def test_a_column_mapping_is_a_python_mapping_without_the_ignored_columns() -> None:
    mapping = ColumnMapping.of(["First Name", "Shoe size"])
    assert list(mapping) == ["First Name"]
    assert len(mapping) == 1
    assert "Shoe size" not in mapping


@pytest.mark.parametrize(
    ("header", "chosen", "message"),
    [
        (["First Name"], {"First Nam": "first_name"}, "did you mean First Name?"),
        (["First Name"], {"Zzz": "first_name"}, "there are First Name"),
        (["First Name"], {"First Name": "firstname_"}, "did you mean first_name"),
        (["First Name"], {"First Name": "zzz"}, "there are first_name, last_name"),
        (["A", "B"], {"A": "email", "B": "email"}, "the field email is mapped twice"),
        (["A"], {"A": "email", "a": "city"}, 'the column "A" is mapped twice'),
        (["A 1", "a1"], {"A-1": "email"}, 'there is no column "A-1"'),
        (["Nick name", "Mail"], {}, '--map "Nick name=first_name"'),
        (["Mail"], {}, '--map "Mail=first_name"'),
    ],
)
def test_an_impossible_mapping_is_refused_with_a_suggestion(
    header: list[str], chosen: dict[str, str], message: str
) -> None:
    """Similar columns and fields are suggested."""
    with pytest.raises(BadMapping) as caught:
        ColumnMapping.of(header, chosen)
    assert message in str(caught.value)


def test_a_full_name_is_split_if_no_column_holds_the_first_name() -> None:
    """The text of the mapping says so."""
    mapping = ColumnMapping.of(["Full Name", "Mail"])
    assert mapping == {"Full Name": "name", "Mail": "email"}
    assert mapping.column_of("first_name") == "Full Name"
    assert mapping.column_of("last_name") == "Full Name"
    assert "Full Name → first_name, last_name (split at the first blank)" in str(mapping)


def test_a_full_name_beside_a_first_name_is_ignored_unless_it_is_chosen() -> None:
    mapping = ColumnMapping.of(["Name", "First Name"])
    assert mapping == {"First Name": "first_name"}
    assert [column.why for column in mapping.ignored] == ["first_name comes from First Name"]
    chosen = ColumnMapping.of(["Name", "First Name", "Last Name"], {"Name": "name"})
    assert chosen == {"Name": "name", "Last Name": "last_name"}
    assert [column.why for column in chosen.ignored] == ["first_name comes from Name"]


def test_a_fields_own_name_goes_before_its_synonyms() -> None:
    """Wherever its column stands."""
    mapping = ColumnMapping.of(["First", "Work email", "E-mail"])
    assert mapping == {"First": "first_name", "E-mail": "email"}


def test_every_column_of_consent_is_mapped() -> None:
    """Several columns may hold the same consent, by their names or by choice."""
    header = ["First Name", "Unsubscribed", "Opted out", "Newsletter", "Club"]
    chosen = {"Newsletter": "accepts_email", "Club": "accepts_email"}
    mapping = ColumnMapping.of(header, chosen)
    assert [mapping[name] for name in header[1:]] == ["unsubscribed"] * 2 + ["accepts_email"] * 2
    assert "Newsletter → not asked by email if the cell is no" in str(mapping)
    assert "Opted out → not asked if the cell is yes or a date" in str(mapping)


def test_options_of_the_command_line_become_choices() -> None:
    """The last equals sign divides, so a column's name may hold one."""
    assert parse_choices(["a=b=email", " Nick = "]) == {"a=b": "email", "Nick": ""}


@pytest.mark.parametrize("pairs", [["email"], ["=email"], ["a=email", "a=city"]])
def test_an_option_that_is_no_choice_is_refused(pairs: list[str]) -> None:
    """Without an equals sign, without a column, or for a column that was chosen before."""
    with pytest.raises(BadMapping):
        parse_choices(pairs)


def test_a_bad_mapping_error_pickles_and_copies() -> None:
    """As every error of the package does."""
    error = BadMapping("no such column")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert str(copy.copy(error)) == str(error)
