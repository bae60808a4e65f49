"""`JobOptions`: their ranges, and how a journal stores them."""

import json
from datetime import timedelta
from typing import Any

import pytest

from moregood_async.bulk import AskTemplate, ChargeTemplate
from moregood_async.bulk.options import JobOptions
from moregood_async.errors import ConfigurationError

OPTIONS = JobOptions(
    ask=AskTemplate(channels=["email", "sms"], reminders_count=2),
    charge=ChargeTemplate(amount="Total", currency_column="Cur", unit="minor"),
    not_asked_within=timedelta(days=3),
    max_asks=0,
    on_unknown="hold",
    reconcile_after=5,
)


@pytest.mark.parametrize("options", [OPTIONS, JobOptions()], ids=["all", "none"])
def test_options_survive_being_stored_as_json(options: JobOptions) -> None:
    """A journal is resumed with them."""
    assert JobOptions.from_json(json.loads(json.dumps(options.as_json()))) == options


def test_only_what_is_asked_and_charged_is_fixed_for_the_life_of_a_job() -> None:
    assert set(OPTIONS.fixed()) == {"ask", "charge", "not_asked_within"}
    assert set(OPTIONS.as_json()) - set(OPTIONS.fixed()) == {
        "max_asks",
        "on_unknown",
        "reconcile_after",
    }


@pytest.mark.parametrize(
    ("charge", "expected"),
    [
        (None, False),
        (ChargeTemplate(amount="a", currency="USD"), False),
        (ChargeTemplate(amount="a", currency="USD", charged_at="d"), True),
    ],
    ids=["no charge", "no day", "a day"],
)
def test_charges_have_a_date_if_their_template_reads_one(
    charge: ChargeTemplate | None, expected: bool
) -> None:
    assert JobOptions(charge=charge).has_charge_dates is expected


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"on_unknown": "guess"}, "on_unknown is one of reconcile, hold, resend"),
        ({"reconcile_after": -1}, "reconcile_after is seconds, less than a day"),
        ({"reconcile_after": 86_400}, "reconcile_after is seconds, less than a day"),
        ({"max_asks": -1}, "max_asks is a number of people"),
        ({"not_asked_within": timedelta(0)}, "not_asked_within is a time"),
    ],
)
def test_an_option_out_of_its_range_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        JobOptions(**options)
