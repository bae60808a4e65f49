"""`JournalReader`: a journal that is only read."""

from pathlib import Path

import pytest

from moregood_async.bulk import JournalUnusable
from moregood_async.bulk.journal.identity import JobIdentity
from moregood_async.bulk.journal.journal import Journal
from moregood_async.bulk.journal.reader import JournalReader
from tests.bulk.journal_entries import make_entries

IDENTITY = JobIdentity(
    name="a.csv",
    path=None,
    size=9,
    digest="d",
    reading={"format": "csv"},
    options={"ask": None},
    keep_rows=True,
    project="p",
)


async def test_a_journal_is_read_as_it_was_stored(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "j")
    await journal.register(make_entries(2), [], [(0, '["x"]'), (1, '{"a": 1}')])
    await journal.save_identity(IDENTITY, columns=["Name"])
    await journal.close()
    with JournalReader(tmp_path / "j") as reader:
        assert reader.identity == IDENTITY
        assert reader.columns == ("Name",)
        assert reader.salt == journal.salt
        assert reader.count_rows() == 2
        assert [entry.row_index for entry in reader.entries()] == [0, 1]
        assert reader.count_kept_rows() == 2
        assert list(reader.kept_rows()) == [(0, 2, ["x"]), (1, 3, {"a": 1})]
        assert sum(group.rows for group in reader.summary().groups) == 2


async def test_a_journal_without_a_job_has_no_identity_and_no_columns(tmp_path: Path) -> None:
    await (await Journal.open(tmp_path / "j")).close()
    with JournalReader(tmp_path / "j") as reader:
        assert reader.identity is None
        assert reader.columns == ()
        assert reader.count_rows() == 0


def test_reading_does_not_make_a_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalUnusable, match="there is no journal"):
        JournalReader(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []
