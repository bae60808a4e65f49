"""Items as the text of CSV and JSON Lines files."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.exporting import CsvWriter, JsonLinesWriter
from moregood_async.bulk.exporting.text import (
    cell_text,
    csv_cell,
    guard_formula,
    iso_time,
    row_writer,
)
from moregood_async.bulk.importing.rows import strip_guard
from moregood_async.models.customers import AddressValidation, Customer, Engagement
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
    """Return the CSV row of one item, by column."""
    file = io.StringIO()
    CsvWriter(file, type(item)).write(item)
    return next(csv.DictReader(io.StringIO(file.getvalue())))


def as_json(item: object) -> dict[str, object]:
    """Return the JSON line of one item."""
    file = io.StringIO()
    JsonLinesWriter(file, type(item)).write(item)
    line: dict[str, object] = json.loads(file.getvalue())
    return line


def test_nested_fields_have_dotted_names_in_csv() -> None:
    """A missing level leaves its cells blank; fields that the model does not know are left out."""
    row = as_csv(REVIEW)
    assert row["rating.label"] == "Great"
    assert row["reviewer.photo.link"] == "https://example.com/a.png"
    assert row["source.name"] == ""
    assert row["has_reply"] == "false"
    assert row["created_at"] == "2026-05-01T08:30:00Z"
    assert "mood" not in row


def test_json_lines_keep_nested_models_and_unknown_fields() -> None:
    """Unknown fields stand beside those of the model."""
    line = as_json(REVIEW)
    assert line["mood"] == "sunny"
    assert line["created_at"] == "2026-05-01T08:30:00Z"
    reviewer = line["reviewer"]
    assert isinstance(reviewer, dict)
    assert reviewer["photo"] == {"link": "https://example.com/a.png"}
    assert line["source"] is None
    assert "extra" not in line


def test_an_item_with_a_line_break_is_one_json_line() -> None:
    """Letters beyond ASCII are not escaped."""
    file = io.StringIO()
    JsonLinesWriter(file, Review).write(REVIEW)
    assert file.getvalue().count("\n") == 1
    assert "Zoë" in file.getvalue()


def test_lists_and_objects_fit_into_a_cell() -> None:
    """A list is joined by semicolons, an object becomes JSON."""
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
    assert row["charges_avg"] == "5.5"
    assert row["charges_sum"] == "-3"
    validation = as_json(customer)["validation"]
    assert isinstance(validation, dict)
    assert validation["reason"] == ["no_mx", "role"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"], ids=repr)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(start: str) -> None:
    """The joined text of a list, too."""
    assert guard_formula(f"{start}cmd|x") == f"'{start}cmd|x"
    assert csv_cell([f"{start}a", "b"]) == f"'{start}a; b"


@pytest.mark.parametrize("number", [-5, "-5", "+14155550100", "-1.5", -1.5])
def test_a_number_gets_no_apostrophe(number: object) -> None:
    """A phone such as +14155550100 is a number too."""
    assert csv_cell(number) == str(number)


@pytest.mark.parametrize("text", ["=1+1", "+1 415 555 0100", "@ada", "-x", "'s", "plain"])
def test_an_import_removes_the_apostrophe_of_an_export(text: str) -> None:
    """An exported CSV can be imported unchanged."""
    assert strip_guard(guard_formula(text)) == text


def test_times_are_written_in_utc() -> None:
    """Microseconds are written only where there are any."""
    moment = datetime(2026, 5, 1, 8, 30, 0, 120, tzinfo=UTC)
    assert csv_cell(moment) == "2026-05-01T08:30:00.000120Z"


def test_a_time_without_a_zone_stays_without_one() -> None:
    """No zone is guessed."""
    assert iso_time(datetime(2026, 5, 1, 8, 30)) == "2026-05-01T08:30:00"


@pytest.mark.parametrize("writer", [CsvWriter, JsonLinesWriter])
def test_the_repr_of_a_writer_names_its_model_and_no_item(
    writer: type[CsvWriter | JsonLinesWriter],
) -> None:
    """No memory address either, so that the text is always the same."""
    made = writer(io.StringIO(), Review)
    made.write(REVIEW)
    assert repr(made) == f"{writer.__name__}(Review)"


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\0")), min_size=1)))
def test_csv_rows_are_read_back_unchanged(rows: list[list[str]]) -> None:
    """Cells may hold every kind of line end."""
    file = io.StringIO(newline="")
    write_row = row_writer(file)
    for row in rows:
        write_row(row)
    assert list(csv.reader(io.StringIO(file.getvalue(), newline=""))) == rows


@given(st.text(max_size=20))
def test_the_text_of_a_cell_has_no_guard(text: str) -> None:
    """`cell_text` serves files that no spreadsheet opens."""
    assert cell_text(text) == text


@given(st.text(max_size=20))
def test_no_cell_starts_a_formula(text: str) -> None:
    """The guarded cell is read back as the text."""
    cell = csv_cell(text)
    assert not cell.startswith(("=", "@", "\t", "\r"))
    if cell.startswith(("+", "-")):
        float(cell)
    elif not text.startswith(("'", "\t", "\r")):
        assert strip_guard(cell) == text
