"""The files of a journal contain no personal data unless the job keeps its rows."""

from pathlib import Path
from typing import Any

import pytest

from moregood_async import MoreGoodClient
from moregood_async.bulk import ChargeTemplate, Job, Report
from moregood_async.bulk.journal.reader import JournalReader
from moregood_async.sandbox import DropAfterEffect, Refuse, Sandbox
from tests.bulk.jobs import BOTH
from tests.conftest import KEY

PEOPLE = [
    {"first_name": "Zebulon", "email": "zeb.canary@example.com", "phone": "", "paid": "5"},
    {"first_name": "Quirina", "email": "", "phone": "+1 415 555 0177", "paid": ""},
    {"first_name": "Yolanda", "email": "no-canary-address", "phone": "", "paid": ""},
    {"first_name": "", "email": "ximena@example.com", "phone": "", "paid": "free"},
]
CANARIES = ["Zebulon", "Quirina", "zeb.canary", "canary", "ximena", "5550177", "555 0177"]


def read_all_files(folder: Path) -> bytes:
    """Return the bytes of all files in a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


@pytest.mark.parametrize("keep_rows", [False, True])
async def test_the_files_of_a_journal_have_personal_data_only_if_rows_are_kept(
    keep_rows: bool, tmp_path: Path
) -> None:
    """The files are read while the job runs and after. They never contain the API key."""
    faults = [DropAfterEffect(on="asks.create", times=1), Refuse(422, on="charges.create")]
    paid = ChargeTemplate(amount="paid", currency="USD")
    async with MoreGoodClient(KEY, transport=Sandbox(keys=KEY, faults=faults)) as client:
        async with Job(
            client,
            PEOPLE,
            journal=tmp_path / "j",
            ask=BOTH,
            charge=paid,
            on_unknown="hold",
            keep_rows=keep_rows,
        ) as job:
            seen = b""
            async for _ in job.run():
                seen += read_all_files(tmp_path)
        seen += read_all_files(tmp_path)
    found = [canary for canary in CANARIES if canary.encode() in seen]
    assert ("Zebulon" in found) is keep_rows
    assert found == [] or keep_rows
    assert KEY.encode() not in seen
    with JournalReader(tmp_path / "j") as journal:
        assert journal.identity is not None
        assert journal.identity.keep_rows is keep_rows
        kept = [cells for _, _, cells in journal.kept_rows()]
    assert kept == (PEOPLE if keep_rows else [])


async def test_a_job_has_the_same_outcomes_with_a_journal_in_memory(tmp_path: Path) -> None:
    async def run(journal: Path | None) -> Report:
        with Sandbox(keys=KEY) as sandbox:
            async with (
                MoreGoodClient(KEY, transport=sandbox) as client,
                Job(client, PEOPLE, journal=journal) as job,
            ):
                return await job.run()

    reports: list[Any] = [(await run(path)).as_json() for path in (None, tmp_path / "j")]
    for report in reports:
        outcomes = {name: report[name] for name in ("done", "failed", "rejected")}
        assert outcomes == {"done": 2, "failed": 1, "rejected": 1}
