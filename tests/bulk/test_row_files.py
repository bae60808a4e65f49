"""Results and rejects files: each row of the input beside its own outcome, or no file at all."""

import csv
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from moregood_async.bulk import (
    JournalMismatch,
    JournalUnusable,
    Outcome,
    Source,
    read_csv,
    read_customers,
    read_items,
    read_results,
    write_rejects,
    write_results,
)
from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.journal import Journal
from moregood_async.bulk.journal.states import SkipReason, State
from moregood_async.bulk.options import JobOptions
from moregood_async.bulk.run.reader import RowReader
from moregood_async.errors import ConfigurationError
from tests.bulk.ended_jobs import OUTCOMES, PEOPLE, list_names, make_journal, read_cells
from tests.bulk.importing.records import read_records
from tests.bulk.journal.storages import change_of

OWN = ["moregood_status", "moregood_id", "moregood_error"]


@pytest.fixture
async def journal(tmp_path: Path) -> Path:
    """The journal of a job on a list."""
    return await make_journal(tmp_path / "j", read_items(PEOPLE))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for the files that are written."""
    path = tmp_path / "out"
    path.mkdir()
    return path


def write_csv(path: Path, people: Sequence[dict[str, str]]) -> Source:
    """Write people as a CSV; return it as a source."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["first_name", "email"])
        writer.writeheader()
        writer.writerows(people)
    return read_csv(path)


# results as values


def test_results_are_read_in_the_order_of_the_input(journal: Path) -> None:
    results = list(read_results(journal))
    assert [result.row_index for result in results] == [0, 1, 2, 3, 4]
    assert [result.line for result in results] == [1, 2, 3, 4, 5]
    assert [result.outcome for result in results] == OUTCOMES
    assert results[0].customer_id == 11
    assert results[0].asked == ("email",)
    assert results[2].error == "saved, but the ask: reset"


@pytest.mark.parametrize(("outcomes", "rows"), [(["failed"], [1]), (["done", "waiting"], [0, 4])])
def test_results_of_some_outcomes_are_read(
    outcomes: list[Outcome], rows: list[int], journal: Path
) -> None:
    assert [result.row_index for result in read_results(journal, *outcomes)] == rows


def test_results_without_a_journal_are_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalUnusable, match="there is no journal"):
        list(read_results(tmp_path / "nowhere"))


# results as a file


def test_a_results_file_has_each_row_beside_its_outcome(journal: Path, folder: Path) -> None:
    written = write_results(journal, read_items(PEOPLE), folder / "out.csv")
    assert written == 5
    assert read_cells(folder / "out.csv") == [
        ["first_name", "email", *OWN],
        ["Ada", "ada@example.com", "done", "11", ""],
        ["Bob", "bob@example.com", "failed", "", "email: is taken"],
        ["Cy", "cy@example.com", "unknown", "13", "saved, but the ask: reset"],
        ["", "dee@example.com", "rejected", "", "first_name: is missing"],
        ["Eve", "eve@example.com", "waiting", "", ""],
    ]


def test_a_results_file_of_some_outcomes_joins_its_rows_by_their_index(
    journal: Path, folder: Path
) -> None:
    """A row index counts all rows of the input, also rows that are not written."""
    written = write_results(journal, read_items(PEOPLE), folder / "out.csv", "unknown", "done")
    rows = [row[1:4] for row in read_cells(folder / "out.csv")[1:]]
    assert written == 2
    assert rows == [["ada@example.com", "done", "11"], ["cy@example.com", "unknown", "13"]]


async def test_a_results_file_says_why_a_customer_was_not_asked(folder: Path) -> None:
    journal = await make_journal(folder / "j", read_items(PEOPLE[:1]))
    opened = await Journal.open(journal)
    [digest] = await opened.storage.row_digests(0, 1)
    entry = JournalEntry(
        0,
        1,
        digest,
        state=State.DONE,
        channels="email",
        skip_reason=SkipReason.OPTED_OUT,
        warning="phone: left out",
    )
    await opened.storage.commit(change_of(entry))
    await opened.close()
    write_results(journal, read_items(PEOPLE[:1]), folder / "out.csv")
    [_, row] = read_cells(folder / "out.csv")
    assert row[2:] == ["done", "", "not asked: has opted out; phone: left out"]


@pytest.mark.parametrize(
    ("suffix", "file_format"), [("jsonl", "jsonl"), ("csv", "csv"), ("other", "csv")]
)
def test_a_results_file_has_the_format_of_its_suffix_or_else_is_a_csv(
    suffix: str, file_format: str, journal: Path, folder: Path
) -> None:
    """This is for rows from Python; a file's results have the format of the file."""
    path = folder / f"out.{suffix}"
    write_results(journal, read_items(PEOPLE), path)
    first = path.read_text(encoding="utf-8").splitlines()[0]
    if file_format == "jsonl":
        assert json.loads(first)["moregood_status"] == "done"
    else:
        assert first == ",".join(["first_name", "email", *OWN])


async def test_the_format_of_the_input_is_the_default_for_a_results_file(
    tmp_path: Path, folder: Path
) -> None:
    lines = "".join(f"{json.dumps(person)}\n" for person in PEOPLE)
    (tmp_path / "in.jsonl").write_text(lines, encoding="utf-8")
    source = read_customers(tmp_path / "in.jsonl")
    journal = await make_journal(tmp_path / "j", source)
    write_results(journal, source, folder / "out")
    objects = map(json.loads, (folder / "out").read_text(encoding="utf-8").splitlines())
    assert [each["moregood_status"] for each in objects] == OUTCOMES


async def test_a_results_file_of_a_parquet_input_keeps_its_types(folder: Path) -> None:
    pa: Any = pytest.importorskip("pyarrow")
    pq: Any = pytest.importorskip("pyarrow.parquet")
    schema = pa.schema([("first_name", pa.string()), ("email", pa.string()), ("n", pa.int64())])
    rows = [{**person, "n": number} for number, person in enumerate(PEOPLE)]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "in.parquet")
    source = read_customers(folder / "in.parquet")
    journal = await make_journal(folder / "j", source)
    write_results(journal, source, folder / "out.parquet")
    table = pq.read_table(folder / "out.parquet")
    assert table["n"].to_pylist() == [0, 1, 2, 3, 4]
    assert table.schema.field("n").type == pa.int64()
    assert table["moregood_status"].to_pylist() == OUTCOMES


async def test_rows_that_a_stopped_run_did_not_read_have_no_results(folder: Path) -> None:
    """A run that was stopped has registered only some of the rows."""
    journal = await make_journal(folder / "j", read_items(PEOPLE[:2]))
    written = write_results(journal, read_items(PEOPLE), folder / "out.csv")
    assert written == 2
    assert [row[1] for row in read_cells(folder / "out.csv")[1:]] == [
        "ada@example.com",
        "bob@example.com",
    ]


# another input is refused


def people_with_change(row_index: int) -> list[dict[str, str]]:
    """Return the people, with another person in one row."""
    people = [dict(person) for person in PEOPLE]
    people[row_index]["email"] = "other@example.com"
    return people


@pytest.mark.parametrize("row_index", [0, 4])
def test_a_list_that_has_changed_is_refused_with_the_number_of_its_row(
    row_index: int, journal: Path, folder: Path
) -> None:
    with pytest.raises(JournalMismatch, match=f"row {row_index + 1} of the input is not the row"):
        write_results(journal, read_items(people_with_change(row_index)), folder / "out.csv")
    with pytest.raises(JournalMismatch, match="nothing was written"):
        write_rejects(journal, read_items(people_with_change(row_index)), folder / "out.csv")
    assert list_names(folder) == []


def test_a_list_in_another_order_is_refused(journal: Path, folder: Path) -> None:
    """Otherwise each row would be written beside the outcome of another."""
    with pytest.raises(JournalMismatch, match="row 1 of the input"):
        write_results(journal, read_items(PEOPLE[::-1]), folder / "out.csv")


@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_list_that_is_shorter_is_refused_with_the_number_of_the_missing_row(
    count: int, journal: Path, folder: Path
) -> None:
    message = f"the input ends before row {count + 1}, which the journal knows"
    with pytest.raises(JournalMismatch, match=message):
        write_results(journal, read_items(PEOPLE[:count]), folder / "out.csv")
    with pytest.raises(JournalMismatch, match=message):
        write_rejects(journal, read_items(PEOPLE[:count]), folder / "out.csv")
    assert list_names(folder) == []


async def test_a_file_that_has_changed_is_refused_by_its_name(tmp_path: Path, folder: Path) -> None:
    """The file is refused even if only rows changed that are not written."""
    journal = await make_journal(tmp_path / "j", write_csv(tmp_path / "in.csv", PEOPLE))
    source = write_csv(tmp_path / "in.csv", people_with_change(4))
    with pytest.raises(JournalMismatch, match=r"in\.csv has changed since the job began"):
        write_results(journal, source, folder / "out.csv", "done")
    assert list_names(folder) == []


async def test_a_file_that_was_moved_is_the_same_file(tmp_path: Path, folder: Path) -> None:
    journal = await make_journal(tmp_path / "j", write_csv(tmp_path / "in.csv", PEOPLE))
    moved = (tmp_path / "in.csv").rename(tmp_path / "moved.csv")
    assert write_results(journal, read_csv(moved), folder / "out.csv") == 5


def test_a_refused_results_file_leaves_an_older_one_as_it_was(journal: Path, folder: Path) -> None:
    """The last row differs, which is found after the others were written."""
    (folder / "out.csv").write_text("old")
    with pytest.raises(JournalMismatch):
        write_results(journal, read_items(people_with_change(4)), folder / "out.csv")
    with pytest.raises(JournalMismatch):
        write_rejects(journal, read_items(people_with_change(4)), folder / "out.csv")
    assert (folder / "out.csv").read_text() == "old"
    assert list_names(folder) == ["out.csv"]


# an input that can be read only once


async def _one_by_one() -> AsyncIterator[dict[str, str]]:
    for person in PEOPLE:
        yield person


def list_single_inputs() -> Iterator[tuple[str, Source | None]]:
    """Yield inputs that cannot be read again, and None for an input that is not at hand."""
    yield "an iterator", read_items(iter(PEOPLE))
    yield "an async generator", read_items(_one_by_one())
    yield "no input", None


SINGLE_INPUTS = [pytest.param(source, id=name) for name, source in list_single_inputs()]


@pytest.mark.parametrize("source", SINGLE_INPUTS)
def test_an_input_that_can_be_read_only_once_is_refused_without_keep_rows(
    source: Source | None, journal: Path, folder: Path
) -> None:
    with pytest.raises(ConfigurationError, match="import it with --keep-rows, or from a file"):
        write_results(journal, source, folder / "out.csv")
    with pytest.raises(ConfigurationError, match="--keep-rows"):
        write_rejects(journal, source, folder / "out.csv")
    assert list_names(folder) == []


@pytest.mark.parametrize("source", SINGLE_INPUTS)
async def test_kept_rows_replace_an_input_that_can_be_read_only_once(
    source: Source | None, tmp_path: Path, folder: Path
) -> None:
    journal = await make_journal(tmp_path / "j", read_items(PEOPLE), keep_rows=True)
    assert write_results(journal, source, folder / "out.csv") == 5
    header, *rows = read_cells(folder / "out.csv")
    columns = header[:-3]
    people = [dict(zip(columns, row, strict=False)) for row in rows]
    assert [row[-3] for row in rows] == OUTCOMES
    if columns:  # an iterator that nobody has read has no columns yet
        assert people == PEOPLE


async def test_kept_rows_that_are_missing_are_refused_with_their_number(
    tmp_path: Path, folder: Path
) -> None:
    """Otherwise each row would be written beside the outcome of another."""
    journal = await make_journal(tmp_path / "j", read_items(PEOPLE), keep_rows=True)
    with closing(sqlite3.connect(journal)) as connection, connection:
        connection.execute("DELETE FROM kept_rows WHERE row_index IN (0, 3)")
    connection.close()
    with pytest.raises(JournalMismatch, match="the journal j lacks 2 of 5 rows"):
        write_results(journal, None, folder / "out.csv")
    with pytest.raises(JournalMismatch, match="nothing was written"):
        write_rejects(journal, None, folder / "out.csv")
    assert list_names(folder) == []


# rejects


def test_a_rejects_file_has_the_rows_that_are_not_done_and_why(journal: Path, folder: Path) -> None:
    """A row that may have been asked is marked, so that importing the file asks nobody twice."""
    assert write_rejects(journal, read_items(PEOPLE), folder / "rejects.csv") == 3
    assert read_cells(folder / "rejects.csv") == [
        ["first_name", "email", "error"],
        ["Bob", "bob@example.com", "email: is taken"],
        ["Cy", "cy@example.com", "unknown: saved, but the ask: reset"],
        ["", "dee@example.com", "first_name: is missing"],
    ]


def test_a_row_that_may_have_been_asked_is_held_when_its_rejects_file_is_imported(
    journal: Path, folder: Path
) -> None:
    write_rejects(journal, read_items(PEOPLE), folder / "rejects.csv")
    source = read_csv(folder / "rejects.csv")
    held = [source.row(record).held for record in read_records(source)]
    assert held == [False, True, False]


async def test_without_rejects_there_is_no_file_and_an_older_one_is_deleted(
    tmp_path: Path, folder: Path
) -> None:
    journal = await make_journal(tmp_path / "j", read_items(PEOPLE[:1]))
    (folder / "rejects.csv").write_text("old")
    for _ in range(2):
        assert write_rejects(journal, read_items(PEOPLE), folder / "rejects.csv") == 0
        assert list_names(folder) == []


async def test_a_rejects_file_has_the_delimiter_of_the_input(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "in.csv").write_text("first_name;email\n;x@example.com\n", encoding="utf-8")
    source = read_csv(tmp_path / "in.csv")
    opened = await Journal.open(tmp_path / "j")
    reader = RowReader(source, opened, JobOptions(), keep_rows=False)
    assert [task.entry.state async for task in reader.tasks() if task] == [State.REJECTED]
    await opened.close()
    assert write_rejects(tmp_path / "j", source, folder / "rejects.csv") == 1
    lines = (folder / "rejects.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "first_name;email;error"
    assert lines[1].startswith(";x@example.com;first_name")


def test_a_file_that_cannot_be_written_raises_the_error_of_the_system(
    journal: Path, folder: Path
) -> None:
    with pytest.raises(OSError, match="No such file or directory"):
        write_results(journal, read_items(PEOPLE), folder / "nowhere" / "out.csv")
    with pytest.raises(OSError, match="No such file or directory"):
        write_rejects(journal, read_items(PEOPLE), folder / "nowhere" / "out.csv")
