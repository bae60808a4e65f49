"""Headers find their fields by themselves, and what is said on the command line wins."""

import copy
import pickle

import pytest

from moregood_async.bulk.importing.columns import BadMapping, ColumnMapping, chosen_columns
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
def test_a_header_finds_its_field(column: str, field: str | None) -> None:
    """Case, punctuation, a number at the end and common synonyms do not matter."""
    mapping = ColumnMapping.of(["Fname", column] if field != "first_name" else [column])
    assert field == mapping.get(column)


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_found_by_its_own_name(field: str) -> None:
    """The model's names are headers too, whatever their case."""
    header = list(dict.fromkeys(["first_name", field]))
    assert field == ColumnMapping.of(header)[field]
    assert field == ColumnMapping.of([*header[:-1], header[-1].upper()])[field.upper()]


def test_the_first_of_two_columns_for_a_field_is_taken() -> None:
    """The second one is ignored, and named with the column that won."""
    mapping = ColumnMapping.of(["First Name", "Phone 1", "Phone 2"])
    assert mapping == {"First Name": "first_name", "Phone 1": "phone"}
    assert [(c.name, c.why) for c in mapping.ignored] == [("Phone 2", "phone comes from Phone 1")]


def test_what_is_said_wins() -> None:
    """A column that is chosen for a field leaves the one that would have been found out."""
    mapping = ColumnMapping.of(["First Name", "Nick"], {"Nick": "first_name"})
    assert mapping == {"Nick": "first_name"}
    assert mapping.ignored[0].why == "first_name comes from Nick"
    assert mapping.column_of("first_name") == "Nick"
    assert mapping.column_of("city") is None


def test_a_column_can_be_left_out() -> None:
    """`Column=` ignores a column, and the next one that fits is taken."""
    mapping = ColumnMapping.of(["First Name", "Phone 1", "Phone 2"], {"phone 1": ""})
    assert mapping == {"First Name": "first_name", "Phone 2": "phone"}


def test_a_mapping_is_a_mapping() -> None:
    """It has keys, a length, and no ignored column among them."""
    mapping = ColumnMapping.of(["First Name", "Shoe size"])
    assert list(mapping) == ["First Name"]
    assert len(mapping) == 1
    assert "Shoe size" not in mapping


@pytest.mark.parametrize(
    ("header", "chosen", "told"),
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
def test_a_mapping_that_cannot_be_says_what_would_fit(
    header: list[str], chosen: dict[str, str], told: str
) -> None:
    """Wrong columns and fields are named, with close ones."""
    with pytest.raises(BadMapping) as caught:
        ColumnMapping.of(header, chosen)
    assert told in str(caught.value)


def test_a_whole_name_is_split_where_no_column_holds_the_first_name() -> None:
    """And says so; it stands for both names."""
    mapping = ColumnMapping.of(["Full Name", "Mail"])
    assert mapping == {"Full Name": "name", "Mail": "email"}
    assert mapping.column_of("first_name") == mapping.column_of("last_name") == "Full Name"
    assert "Full Name → first_name, last_name (split at the first blank)" in str(mapping)


def test_a_whole_name_beside_a_first_name_is_ignored() -> None:
    """Unless it is chosen."""
    mapping = ColumnMapping.of(["Name", "First Name"])
    assert mapping == {"First Name": "first_name"}
    assert [column.why for column in mapping.ignored] == ["first_name comes from First Name"]
    chosen = ColumnMapping.of(["Name", "First Name", "Last Name"], {"Name": "name"})
    assert chosen == {"Name": "name", "Last Name": "last_name"}
    assert [column.why for column in chosen.ignored] == ["first_name comes from Name"]


def test_a_fields_own_name_goes_before_its_other_names() -> None:
    """Wherever it stands."""
    mapping = ColumnMapping.of(["First", "Work email", "E-mail"])
    assert mapping == {"First": "first_name", "E-mail": "email"}


def test_every_column_that_opts_people_out_counts() -> None:
    """Two for the same channel too, found or chosen."""
    header = ["First Name", "Unsubscribed", "Opted out", "Newsletter", "Club"]
    chosen = {"Newsletter": "accepts_email", "Club": "accepts_email"}
    mapping = ColumnMapping.of(header, chosen)
    assert [mapping[name] for name in header[1:]] == ["unsubscribed"] * 2 + ["accepts_email"] * 2
    assert "Newsletter → not asked by email where it is no" in str(mapping)
    assert "Opted out → not asked where it is a yes or a date" in str(mapping)


def test_pairs_of_the_command_line_are_read() -> None:
    """The last equals sign divides, so a column may hold one."""
    expected = {"a=b": "email", "Nick": ""}
    assert expected == chosen_columns(["a=b=email", " Nick = "])


@pytest.mark.parametrize("pairs", [["email"], ["=email"], ["a=email", "a=city"]])
def test_a_pair_that_is_none_is_refused(pairs: list[str]) -> None:
    """Without a column, without an equals sign, or twice."""
    with pytest.raises(BadMapping):
        chosen_columns(pairs)


def test_the_error_pickles_and_copies() -> None:
    """As every error of the package does."""
    error = BadMapping("no such column")
    assert str(error) == str(pickle.loads(pickle.dumps(error))) == str(copy.copy(error))
