"""`JobIdentity`: what must stay the same in all runs of a job, and how differences are named."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from moregood_async.bulk import AskTemplate, ChargeTemplate, read_csv, read_items
from moregood_async.bulk.journal.identity import JobIdentity
from moregood_async.bulk.options import JobOptions
from moregood_async.bulk.run.job_run import Work
from tests.bulk.jobs import EMAIL, people

TEXT = "First Name,Email,Total\nAda,a@example.com,5\nBob,b@example.com,6\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of customers."""
    path = tmp_path / "customers.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


def identity_of(
    path: Path, options: JobOptions | None = None, *, keep_rows: bool = False, **reading: Any
) -> JobIdentity:
    """Return the identity of a job on a file."""
    work = Work(read_csv(path, **reading), options or JobOptions(), keep_rows)
    return work.identity("project")


def test_the_identity_of_a_file_has_its_name_place_size_and_hash(file: Path) -> None:
    identity = identity_of(file, JobOptions(ask=EMAIL))
    assert identity.name == "customers.csv"
    assert identity.path == str(file.resolve())
    assert identity.size == len(TEXT)
    assert identity.digest is not None
    assert identity.reading["format"] == "csv"
    assert identity.options["ask"] == {"channels": ["email"], "reminders_count": None}
    assert identity.keep_rows is False
    assert identity.project == "project"


@pytest.mark.parametrize(
    "source", [read_items(people(2)), read_csv(io.StringIO(TEXT))], ids=["rows", "open file"]
)
def test_the_identity_of_rows_without_a_file_has_no_size_and_hash(source: Any) -> None:
    identity = Work(source, JobOptions(), keep_rows=False).identity("project")
    assert identity.name == "rows"
    assert identity.path is None
    assert identity.size is None
    assert identity.digest is None


def test_a_job_does_not_differ_from_itself(file: Path) -> None:
    """Neither if its file was moved and touched, nor as the journal's JSON has it."""
    before = identity_of(file)
    moved = file.rename(file.with_name("moved.csv"))
    moved.touch()
    assert before.differences(identity_of(moved)) == []
    stored = JobIdentity(**json.loads(json.dumps(attrs.asdict(before))))
    assert stored == before
    assert stored.differences(before) == []


@pytest.mark.parametrize(
    "options", [JobOptions(max_asks=5), JobOptions(on_unknown="hold", reconcile_after=1)]
)
def test_some_options_may_change_between_runs(options: JobOptions, file: Path) -> None:
    assert identity_of(file).differences(identity_of(file, options)) == []


def test_another_file_of_the_same_size_differs_by_its_bytes(file: Path) -> None:
    before = identity_of(file)
    file.write_text(TEXT.replace("Ada", "Eve"), encoding="utf-8")
    assert before.differences(identity_of(file)) == [
        "customers.csv has changed since the job began, or is another file"
    ]


def test_another_file_of_another_size_differs_by_its_size(file: Path) -> None:
    before = identity_of(file)
    file.write_text(TEXT + "Cy,c@example.com,7\n", encoding="utf-8")
    [difference] = before.differences(identity_of(file))
    assert difference == (
        "customers.csv has changed since the job began, or is another: "
        f"{len(TEXT)} bytes, now {file.stat().st_size}"
    )


def test_a_file_differs_from_an_input_that_is_no_file(file: Path) -> None:
    with_file = identity_of(file)
    without = attrs.evolve(with_file, digest=None, size=None)
    [added], [removed] = without.differences(with_file), with_file.differences(without)
    assert added.endswith(f"or is another: no file, now {len(TEXT)}")
    assert removed.endswith(f"or is another: {len(TEXT)} bytes, now no file")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (JobOptions(), "the job has another ask"),
        (JobOptions(ask=AskTemplate(channels=["sms"])), "the job has another ask"),
        (
            JobOptions(ask=EMAIL, charge=ChargeTemplate(amount="Total", currency="USD")),
            "the job has another charge (none, now ",
        ),
        (
            JobOptions(ask=EMAIL, not_asked_within=timedelta(days=1)),
            "the job has another not_asked_within (none, now 86400.0)",
        ),
    ],
)
def test_other_options_are_named_as_they_were_and_as_they_are(
    options: JobOptions, expected: str, file: Path
) -> None:
    [difference] = identity_of(file, JobOptions(ask=EMAIL)).differences(identity_of(file, options))
    assert difference.startswith(expected)
    assert ", now " in difference


@pytest.mark.parametrize(
    ("reading", "name"),
    [({"mapping": {"Total": "notes"}}, "mapping"), ({"region": "GB"}, "region")],
)
def test_another_way_of_reading_the_same_file_is_named(
    reading: dict[str, Any], name: str, file: Path
) -> None:
    """Another mapping or region would send other values."""
    differences = identity_of(file).differences(identity_of(file, **reading))
    assert any(name in difference for difference in differences)
    assert all(each.startswith("the input is read with another") for each in differences)


def test_long_values_are_shortened_in_a_difference(file: Path) -> None:
    """A whole mapping would fill the screen."""
    reading = {"mapping": {f"Column {number}": "notes" for number in range(40)}}
    before = identity_of(file)
    after = attrs.evolve(before, reading={**before.reading, **reading})
    [difference] = before.differences(after)
    assert difference.startswith("the input is read with another mapping (")
    assert difference.endswith("...)")
    assert len(difference) < 200


def test_rows_that_were_kept_must_be_kept_by_every_run(file: Path) -> None:
    differences = identity_of(file, keep_rows=True).differences(identity_of(file))
    assert differences == [
        "it keeps the rows, so that this run must too (pass keep_rows=True, --keep-rows)"
    ]


def test_rows_cannot_be_kept_from_the_middle_of_a_job_on(file: Path) -> None:
    [difference] = identity_of(file).differences(identity_of(file, keep_rows=True))
    assert difference == (
        "it began without keep_rows, and its first rows cannot be kept any more (leave out "
        "keep_rows=True, --keep-rows)"
    )


def test_another_project_is_named_with_what_to_do_about_a_new_key(file: Path) -> None:
    before = identity_of(file)
    [difference] = before.differences(attrs.evolve(before, project="other"))
    assert "the API key or the base URL is another" in difference
    assert "new_key=True, --new-key" in difference


def test_all_differences_are_named_at_once(file: Path) -> None:
    before = identity_of(file)
    after = attrs.evolve(
        identity_of(file, JobOptions(ask=EMAIL), keep_rows=True, region="GB"),
        digest="other",
        project="other",
    )
    differences = before.differences(after)
    assert len(differences) == 5
