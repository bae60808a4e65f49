"""Lists as CSV and as JSON Lines."""

import csv
import io
import json
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.exporting import CsvWriter, JsonLinesWriter, form_of, whole_file
from moregood_async.bulk.exporting.columns import columns_of
from moregood_async.bulk.exporting.forms import FORMS, pages_of
from moregood_async.bulk.exporting.text import cell_text, csv_cell, guarded, iso_time, row_writer
from moregood_async.bulk.importing.rows import unguarded
from moregood_async.models.customers import AddressValidation, Customer, Engagement
from moregood_async.models.messages import Message
from moregood_async.models.reviews import Photo, Rating, Review, Reviewer

REVIEW = Review(
    id=1,
    score=5,
    rating=Rating(score=5, label="Great"),
    review='=HYPERLINK("x")\nZoë',
    reviewer=Reviewer(name="Ada", photo=Photo(link="https://example.com/a.png")),
    has_reply=False,
    created_at=datetime(2026, 5, 1, 10, 30, tzinfo=timezone(timedelta(hours=2))),
    extra={"mood": "sunny"},
)


def as_csv(item: object) -> dict[str, str]:
    """The row of one item, by column."""
    file = io.StringIO()
    CsvWriter(file, type(item)).write(item)
    return next(csv.DictReader(io.StringIO(file.getvalue())))


def as_json(item: object) -> dict[str, object]:
    """The line of one item."""
    file = io.StringIO()
    JsonLinesWriter(file, type(item)).write(item)
    found: dict[str, object] = json.loads(file.getvalue())
    return found


def test_nested_fields_have_dots_in_csv() -> None:
    """At every depth, and blank where a level is missing."""
    row = as_csv(REVIEW)
    assert row["rating.label"] == "Great"
    assert row["reviewer.photo.link"] == "https://example.com/a.png"
    assert row["source.name"] == ""
    assert row["has_reply"] == "false"
    assert row["created_at"] == "2026-05-01T08:30:00Z"
    assert "mood" not in row


def test_json_lines_keep_the_structure_and_the_unknown() -> None:
    """Models nest as they came; fields that the model does not know stand beside its own."""
    line = as_json(REVIEW)
    assert line["mood"] == "sunny"
    assert line["created_at"] == "2026-05-01T08:30:00Z"
    reviewer = line["reviewer"]
    assert isinstance(reviewer, dict)
    assert reviewer["photo"] == {"link": "https://example.com/a.png"}
    assert line["source"] is None
    assert "extra" not in line


def test_a_line_break_stays_within_its_json_line() -> None:
    """One item, one line, whatever it holds; and letters stay letters."""
    file = io.StringIO()
    JsonLinesWriter(file, Review).write(REVIEW)
    assert file.getvalue().count("\n") == 1
    assert "Zoë" in file.getvalue()


def test_the_columns_are_the_models_own() -> None:
    """They do not depend on the items, so that memory does not grow with them."""
    columns = [column.name for column in columns_of(Customer)]
    assert "validation.engagement.is_bot" in columns
    assert not [column for column in columns if "extra" in column]
    assert "template.slug" in [column.name for column in columns_of(Message)]


def test_lists_and_objects_fit_into_a_cell() -> None:
    """A list by semicolons, an object as JSON."""
    customer = Customer(
        id=1,
        validation=AddressValidation(
            reason=["no_mx", "role"], engagement=Engagement(is_bot=True), risk="high"
        ),
        location={"slug": "sf"},
        charges_avg=5.5,
        charges_sum=-3,
    )
    row = as_csv(customer)
    assert row["validation.reason"] == "no_mx; role"
    assert row["validation.engagement.is_bot"] == "true"
    assert row["location"] == '{"slug": "sf"}'
    assert (row["charges_avg"], row["charges_sum"]) == ("5.5", "-3")
    validation = as_json(customer)["validation"]
    assert isinstance(validation, dict)
    assert validation["reason"] == ["no_mx", "role"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"], ids=repr)
def test_text_that_a_spreadsheet_would_run_is_disarmed(start: str) -> None:
    """By an apostrophe, in the text of lists too."""
    assert f"'{start}cmd|x" == guarded(f"{start}cmd|x")
    assert f"'{start}a; b" == csv_cell([f"{start}a", "b"])


@pytest.mark.parametrize("number", [-5, "-5", "+14155550100", "-1.5", -1.5])
def test_numbers_are_left_alone(number: object) -> None:
    """A plain number is no formula, and a phone must stay one."""
    assert str(number) == csv_cell(number)


@pytest.mark.parametrize("text", ["=1+1", "+1 415 555 0100", "@ada", "-x", "'s", "plain"])
def test_what_was_disarmed_is_read_back(text: str) -> None:
    """An export can be imported."""
    assert text == unguarded(guarded(text))


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    """Until then what was there before stays, and nothing lies about after an error."""
    path = tmp_path / "reviews.csv"
    path.write_text("old")

    def break_off() -> None:
        with whole_file(path) as file:
            file.write("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert path.read_text() == "old"
    assert [path] == list(tmp_path.iterdir())
    with whole_file(path) as file:
        file.write("new\r\n")
    assert path.read_bytes() == b"new\r\n"
    assert [path] == list(tmp_path.iterdir())


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it points to is replaced."""
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.touch()
    link.symlink_to(target)
    with whole_file(link) as file:
        file.write("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_device_is_written_to_directly() -> None:
    """It cannot be moved into place."""
    with whole_file(Path(os.devnull)) as file:
        file.write("gone")
    assert not Path(os.devnull).is_file()


def test_times_are_in_utc() -> None:
    """With a Z, and microseconds only where there are any."""
    moment = datetime(2026, 5, 1, 8, 30, 0, 120, tzinfo=UTC)
    assert csv_cell(moment) == "2026-05-01T08:30:00.000120Z"


def test_a_time_without_a_zone_stays_without_one() -> None:
    """Nothing is known that could be added."""
    assert "2026-05-01T08:30:00" == iso_time(datetime(2026, 5, 1, 8, 30))


def test_half_a_letter_stops_nothing(tmp_path: Path) -> None:
    """JSON can hold half of a surrogate pair, and UTF-8 cannot: JSON Lines keep it as JSON does."""
    halved = Review(id=1, review="\ud83d!", extra={"mood": "\ude00"})
    path = tmp_path / "reviews.jsonl"
    with whole_file(path) as file:
        JsonLinesWriter(file, Review).write(halved)
    line = json.loads(path.read_bytes())
    assert ("\ud83d!", "\ude00") == (line["review"], line["mood"])
    assert b"\\ud83d!" in pages_of("csv", Review).page([halved])


@pytest.mark.parametrize("form", FORMS)
def test_a_suffix_names_its_format(form: str) -> None:
    """Whatever its case; another one names none."""
    assert form == form_of(Path(f"out.{form.upper()}"), "csv")
    assert "jsonl" == form_of(Path("out.ndjson"))
    assert "parquet" == form_of(Path("out.txt"), "parquet")


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\0")), min_size=1)))
def test_rows_come_back(rows: list[list[str]]) -> None:
    """With every kind of line end in their cells."""
    file = io.StringIO(newline="")
    put = row_writer(file)
    for row in rows:
        put(row)
    assert rows == list(csv.reader(io.StringIO(file.getvalue(), newline="")))


@given(st.text(max_size=20))
def test_what_no_spreadsheet_sees_is_as_it_was(text: str) -> None:
    """Without the guard, a text is its cell."""
    assert text == cell_text(text)


@given(st.text(max_size=20))
def test_no_cell_begins_a_formula(text: str) -> None:
    """Whatever the text; and a guarded one can be read back as it was."""
    cell = csv_cell(text)
    assert not cell.startswith(("=", "@", "\t", "\r"))
    if cell.startswith(("+", "-")):
        float(cell)
    elif not text.startswith(("'", "\t", "\r")):
        assert unguarded(cell) == text
