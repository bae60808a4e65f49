"""Journals that are resumed with another input, options or project are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from moregood_async.bulk.journal.errors import JournalMismatch
from moregood_async.bulk.templates import AskTemplate
from moregood_async.sandbox import Sandbox
from tests.bulk.crashing import BETWEEN_PROCESSES_SECONDS, KEY
from tests.bulk.interrupted_jobs import (
    ROWS,
    InterruptedImport,
    assert_refused,
    assert_resumes_and_asks_once,
    crash_among_asks,
    interrupt_import,
    resume,
)

Change = Callable[[InterruptedImport], dict[str, Any]]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of one project, which has two keys."""
    with Sandbox(keys=(KEY, "other-key")) as sandbox:
        yield sandbox


@pytest.fixture
async def journal(sandbox: Sandbox, tmp_path: Path) -> Path:
    """The journal of a process that crashed among its asks."""
    return await crash_among_asks(sandbox, tmp_path)


@pytest.fixture
async def interrupted(sandbox: Sandbox, tmp_path: Path) -> InterruptedImport:
    """An import that stopped after a few rows."""
    return await interrupt_import(sandbox, tmp_path)


def edit_file(edit: Callable[[str], str]) -> Change:
    """Edit the file before the job is resumed."""

    def change(interrupted: InterruptedImport) -> dict[str, Any]:
        text = interrupted.path.read_text("utf-8")
        interrupted.path.write_text(edit(text), encoding="utf-8")
        return {"rows": interrupted.read()}

    return change


CHANGES: dict[str, tuple[Change, str]] = {
    "file changed": (edit_file(lambda text: text.replace("n70@", "x70@")), "has changed"),
    "file shortened": (edit_file(lambda text: text[:-200]), "has changed"),
    "file appended to": (edit_file(lambda text: f"{text}New,new@example.com,\n"), "has changed"),
    "file replaced": (edit_file(lambda _: "Name,Email\nAda,ada@example.com\n"), "or is another"),
    "another mapping": (
        lambda interrupted: {"rows": interrupted.read(mapping={"Email": None, "Other": "email"})},
        "is read with another",
    ),
    "another ask": (
        lambda interrupted: {"rows": interrupted.read(), "ask": AskTemplate(channels=["sms"])},
        "the job has another ask",
    ),
    "another key": (
        lambda interrupted: {"rows": interrupted.read(), "key": "other-key"},
        "the API key",
    ),
    "another base URL": (
        lambda interrupted: {
            "rows": interrupted.read(),
            "base_url": "https://other.example/beacon",
        },
        "the base URL is another",
    ),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
async def test_a_journal_is_resumed_only_with_its_own_input_options_and_project(
    sandbox: Sandbox, interrupted: InterruptedImport, change: Change, message: str
) -> None:
    """The error says what differs. Without the change, the job asks everybody once."""
    before = interrupted.path.read_bytes()
    options = change(interrupted)
    await assert_refused(sandbox, interrupted.journal, message, JournalMismatch, **options)
    interrupted.path.write_bytes(before)
    await assert_resumes_and_asks_once(sandbox, interrupted.journal, rows=interrupted.read())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{**row, "first_name": "X"} for row in ROWS], "is not the row that the journal knows"),
        (ROWS[:50], "was cut short"),
    ],
    ids=["other rows", "fewer rows"],
)
async def test_rows_of_a_list_that_differ_from_the_journaled_ones_are_refused(
    sandbox: Sandbox, journal: Path, rows: list[dict[str, str]], message: str
) -> None:
    """Each row is compared when it is read. With its own rows, the job asks everybody once."""
    with pytest.raises(JournalMismatch, match=message):
        await resume(sandbox, journal, rows)
    assert sandbox.audit().duplicate_asks == ()
    sandbox.advance(seconds=BETWEEN_PROCESSES_SECONDS)
    await assert_resumes_and_asks_once(sandbox, journal)
