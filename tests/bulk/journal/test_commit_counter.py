"""The second count of a journal's commits, and what it notices."""

import shutil
import stat
import sys
from pathlib import Path

import pytest

from moregood_async.bulk import JournalUnusable
from moregood_async.bulk.journal.commit_counter import CommitCounter

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The file of a journal; its content does not matter to the counter."""
    path = tmp_path / "spring.journal"
    path.write_bytes(b"rows")
    return path


def check(journal: Path, commits: int) -> None:
    """Check a journal with a number of commits against its counter file."""
    counter = CommitCounter(journal)
    try:
        counter.check_commits(commits)
    finally:
        counter.close()


def count(journal: Path, commits: int) -> None:
    """Store a number of commits."""
    counter = CommitCounter(journal)
    counter.advance(commits)
    counter.close()


def test_a_journal_with_as_many_commits_or_more_is_accepted(journal: Path) -> None:
    """A process may be killed between the commit and the counter."""
    count(journal, 7)
    check(journal, 7)
    check(journal, 8)


def test_a_journal_with_fewer_commits_is_refused_with_their_number(journal: Path) -> None:
    count(journal, 1_007)
    with pytest.raises(JournalUnusable, match=r"spring\.journal has lost its last 1,002 commits"):
        check(journal, 5)


def test_the_counter_keeps_the_latest_number(journal: Path) -> None:
    counter = CommitCounter(journal)
    for commits in (9, 10, 11):
        counter.advance(commits)
    counter.close()
    counter.close()
    check(journal, 11)
    with pytest.raises(JournalUnusable, match="last 1 commits"):
        check(journal, 10)


@pytest.mark.parametrize("content", [b"", b"\n", b"no number\n"])
def test_a_counter_file_without_a_number_refuses_nothing(journal: Path, content: bytes) -> None:
    journal.with_name("spring.journal-count").write_bytes(content)
    check(journal, 0)


@POSIX
def test_a_new_journal_has_a_counter_file_of_its_owner_only(journal: Path) -> None:
    check(journal, 0)
    mode = journal.with_name("spring.journal-count").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


@POSIX
def test_a_link_to_a_journal_has_the_counter_of_the_journal(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to(journal)
    count(link, 7)
    assert not link.with_name("link-count").exists()
    with pytest.raises(JournalUnusable, match="lost its last 3 commits"):
        check(journal, 4)


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_journal_that_was_deleted_or_replaced_while_it_is_open_is_refused(
    journal: Path, is_replaced: bool
) -> None:
    counter = CommitCounter(journal)
    counter.check_file()
    if is_replaced:
        copy = journal.with_name("copy")
        shutil.copy(journal, copy)
        copy.replace(journal)
    else:
        journal.unlink()
    with pytest.raises(JournalUnusable, match="deleted, moved or replaced while the job ran"):
        counter.check_file()
    counter.close()


def test_a_journal_that_was_moved_and_put_back_is_accepted(journal: Path) -> None:
    counter = CommitCounter(journal)
    moved = journal.rename(journal.with_name("moved"))
    with pytest.raises(JournalUnusable):
        counter.check_file()
    moved.rename(journal)
    counter.check_file()
    counter.close()
