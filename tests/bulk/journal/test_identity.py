"""A journal belongs to one input, mapping, set of orders and project, and says what differs."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from moregood_async import MoreGoodClient
from moregood_async.bulk import AskTemplate, ChargeTemplate, Job, JournalMismatch, read_csv
from moregood_async.bulk.journal.identity import Belonging
from moregood_async.bulk.options import JobOptions
from moregood_async.errors import Unauthorized
from moregood_async.sandbox import Sandbox
from tests.bulk.jobs import EMAIL, people, run
from tests.conftest import KEY

TEXT = "First Name,Email,Total\nAda,a@example.com,5\nBob,b@example.com,6\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of customers."""
    path = tmp_path / "customers.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


def belonging(path: Path, orders: JobOptions | None = None, **options: Any) -> Belonging:
    """What a journal of it belongs to."""
    return Belonging.of(read_csv(path, **options), orders or JobOptions(), "project")


def test_the_same_does_not_differ(file: Path) -> None:
    """Wherever it lies, whatever it is called, and as JSON tells it again."""
    moved = file.rename(file.with_name("moved.csv"))
    moved.touch()
    now = belonging(moved)
    file.write_text(TEXT, encoding="utf-8")
    assert [] == belonging(file).differs(now)
    assert [] == Belonging(**attrs.asdict(now)).differs(now)
    for kept in (JobOptions(max_asks=5), JobOptions(on_unknown="hold", reconcile_after=1)):
        assert [] == belonging(file).differs(belonging(file, kept))


def test_another_file_is_told_by_its_size_or_its_bytes(file: Path) -> None:
    """One sentence."""
    before = belonging(file)
    file.write_text(TEXT.replace("Ada", "Eve"), encoding="utf-8")
    assert ["customers.csv has changed since the job began, or is another file"] == before.differs(
        belonging(file)
    )
    file.write_text(TEXT + "Cy,c@example.com,7\n", encoding="utf-8")
    size = file.stat().st_size
    told = f"has changed since the job began, or is another: {before.size} bytes, now {size}"
    assert [f"customers.csv {told}"] == before.differs(belonging(file))
    none = attrs.evolve(before, digest=None, size=None)
    assert ["no file, now"] == [told.partition(": ")[2][:12] for told in none.differs(before)]
    assert before.differs(none)[0].endswith(f"{before.size} bytes, now no file")


@pytest.mark.parametrize(
    ("orders", "told"),
    [
        (JobOptions(), "the job has another ask"),
        (JobOptions(ask=AskTemplate(channels=["sms"])), "the job has another ask"),
        (JobOptions(ask=EMAIL, charge=ChargeTemplate(amount="Total", currency="USD")), "charge"),
        (JobOptions(ask=EMAIL, not_asked_within=timedelta(days=1)), "not_asked_within"),
    ],
)
def test_other_orders_are_told(orders: JobOptions, told: str, file: Path) -> None:
    """As they were, and as they are."""
    [difference] = belonging(file, JobOptions(ask=EMAIL)).differs(belonging(file, orders))
    assert told in difference
    assert ", now " in difference


@pytest.mark.parametrize(
    ("options", "told"),
    [({"mapping": {"Total": "notes"}}, "mapping"), ({"region": "GB"}, "region")],
)
def test_another_reading_is_told(options: dict[str, Any], told: str, file: Path) -> None:
    """Another mapping or region would send other things."""
    differences = belonging(file).differs(belonging(file, **options))
    assert [difference for difference in differences if told in difference]
    assert all(each.startswith("the input is read with another") for each in differences)


def test_orders_survive_being_written() -> None:
    """So that a journal is resumed with them."""
    orders = JobOptions(
        ask=AskTemplate(channels=["email", "sms"], reminders_count=2),
        charge=ChargeTemplate(amount="Total", currency_column="Cur", unit="minor"),
        not_asked_within=timedelta(days=3),
        max_asks=0,
        on_unknown="hold",
        reconcile_after=5,
    )
    assert orders == JobOptions.of(orders.kept())
    assert JobOptions() == JobOptions.of(JobOptions().kept())
    assert (False, True) == (
        orders.dates_charges,
        JobOptions(charge=ChargeTemplate(amount="a", currency="USD", charged_at="d")).dates_charges,
    )


def write(file: Path, text: str) -> None:
    """Change a file."""
    file.write_text(text, encoding="utf-8")


async def test_a_job_names_all_that_differs_and_sends_nothing(file: Path, sandbox: Sandbox) -> None:
    """In one error; neither does it change the journal."""
    journal = file.with_name("j")
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        async with Job(client, read_csv(file), journal=journal, ask=EMAIL) as job:
            await run(job)
        before = sandbox.audit().requests
        write(file, TEXT + "\n")
        async with Job(client, read_csv(file, region="GB"), journal=journal) as job:
            with pytest.raises(JournalMismatch) as mismatch:
                await run(job)
            with pytest.raises(JournalMismatch):
                await job.plan()
        for told in (
            "the journal j belongs",
            "has changed",
            "region",
            "another ask",
            "Nothing was",
        ):
            assert told in str(mismatch.value)
        write(file, TEXT)
        async with Job(client, read_csv(file), journal=journal, ask=EMAIL) as job:
            await run(job)
    assert sum(before.values()) + 1 == sum(sandbox.audit().requests.values())


async def test_another_key_is_another_project_unless_it_is_said(tmp_path: Path) -> None:
    """By ``new_key``, or with a name for the project."""
    with Sandbox(keys=("one-key", "two-key")) as sandbox:

        async def runs(key: str, journal: str, **said: Any) -> int:
            async with (
                MoreGoodClient(key, transport=sandbox) as client,
                Job(client, people(2), journal=tmp_path / journal, **said) as job,
            ):
                await run(job)
                return job.report().done

        assert 2 == await runs("one-key", "a")
        with pytest.raises(JournalMismatch, match="new_key=True, --new-key"):
            await runs("two-key", "a")
        assert 2 == await runs("two-key", "a", new_key=True)
        assert 2 == await runs("two-key", "a")
        with pytest.raises(JournalMismatch):
            await runs("one-key", "a")
        assert 2 == await runs("one-key", "b", project="shop")
        assert 2 == await runs("two-key", "b", project="shop")


async def test_a_journal_without_rows_belongs_to_nothing_yet(tmp_path: Path) -> None:
    """What was mistyped can be typed again."""
    with Sandbox() as sandbox:
        async with (
            MoreGoodClient("wrong-key", transport=sandbox) as client,
            Job(client, people(2), journal=tmp_path / "j") as job,
        ):
            with pytest.raises(Unauthorized):
                await run(job)
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job(client, people(3), journal=tmp_path / "j", ask=EMAIL) as job,
        ):
            await run(job)
            assert 3 == job.report().done
            assert job.belonging is not None
            assert "rows" == job.belonging.name
