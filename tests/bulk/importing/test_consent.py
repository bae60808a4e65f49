"""Who must not be asked: the names of columns, and the meaning of their cells."""

import pytest

from moregood_async.bulk.importing.consent import CONSENTS, find_opt_outs, read_permission
from moregood_async.bulk.importing.headers import find_field

BLANK = ["", " ", None, "NULL", "nan", float("nan"), "\\N", "unknown", "-", {"state": None}]
NO = ["no", "N", "FALSE", "0", 0, 0.0, False, "off"]
YES = ["yes", "Y", "True", "1", "1.0", 1, True, "x"]
DATES = ["2024-05-01", "2024-05-01T10:30:00Z", "5/1/2024", "01.05.2024 10:30", "1714559400"]
ALLOWED = ["subscribed", "Opted in", "opt-in", {"state": "subscribed"}]
FORBIDDEN = ["unsubscribed", "Not subscribed", "opted_out", "pending", {"state": "not_subscribed"}]
UNCLEAR = ["maybe", "да", ["a"], "2", {"x": 1}, "-1", 2, "yes and no"]
NEVER = ["none", "never", "n/a", "0000-00-00 00:00:00"]


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("unsubscribed_at", "unsubscribed"),
        ("Unsubscribed", "unsubscribed"),
        ("Unsubscribe date", "unsubscribed"),
        ("Opt out", "unsubscribed"),
        ("Opted Out At", "unsubscribed"),
        ("Do not contact", "unsubscribed"),
        ("Unsubscribed from all email", "unsubscribed_email"),
        ("Opted out of email: Newsletter", "unsubscribed_email"),
        ("hs_email_optout", "unsubscribed_email"),
        ("SMS opt-out", "unsubscribed_sms"),
        ("Accepts Marketing", "accepts_marketing"),
        ("Accepts Email Marketing", "accepts_email"),
        ("Email marketing consent", "accepts_email"),
        ("Email Subscription Status", "accepts_email"),
        ("Accepts SMS Marketing", "accepts_sms"),
        ("accepts_email", "accepts_email"),
        ("Blocked from online booking", None),
        ("Marketing contact status", None),
        ("Subscription status", None),
        ("On", None),
    ],
)
def test_a_column_of_consent_is_found_by_the_names_that_exports_use(
    column: str, field: str | None
) -> None:
    assert find_field(column) == field


@pytest.mark.parametrize("value", BLANK, ids=repr)
def test_a_blank_cell_does_not_keep_a_person_from_being_asked(value: object) -> None:
    """The null of a table or a database is blank too."""
    assert {read_permission(consent, value) for consent in CONSENTS.values()} == {"blank"}


@pytest.mark.parametrize(
    ("value", "accepts", "unsubscribed"),
    [
        *((value, "forbidden", "allowed") for value in NO),
        *((value, "allowed", "forbidden") for value in [*YES, *DATES]),
        *((value, "allowed", "allowed") for value in ALLOWED),
        *((value, "forbidden", "forbidden") for value in FORBIDDEN),
        *((value, "unclear", "unclear") for value in UNCLEAR),
        *((value, "forbidden", "blank") for value in NEVER),
    ],
    ids=repr,
)
def test_a_cell_is_read_by_what_its_column_records(
    value: object, accepts: str, unsubscribed: str
) -> None:
    """A yes allows asking in a column that accepts, and forbids it in one that unsubscribes."""
    assert read_permission(CONSENTS["accepts_email"], value) == accepts
    assert read_permission(CONSENTS["unsubscribed"], value) == unsubscribed


@pytest.mark.parametrize(
    ("field", "channels"),
    [
        ("unsubscribed", {"email", "sms"}),
        ("unsubscribed_email", {"email"}),
        ("unsubscribed_sms", {"sms"}),
    ],
)
def test_a_yes_closes_only_the_channels_of_its_column(field: str, channels: set[str]) -> None:
    opted_out, _ = find_opt_outs([("Left", CONSENTS[field], "yes")])
    assert set(opted_out) == channels


def test_an_unclear_cell_counts_as_a_no_and_is_not_quoted() -> None:
    """When in doubt, nobody is asked."""
    consents = [("Consent", CONSENTS["accepts_marketing"], "call ada@example.com")]
    opted_out, warnings = find_opt_outs(consents)
    assert opted_out == dict.fromkeys(("email", "sms"), "Consent: cannot be understood")
    assert warnings == ["Consent: cannot be understood, so it counts as a no; write yes or no"]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("accepts_email", "0", "Mail: 0"),
        ("unsubscribed_email", 1, "Mail: 1"),
        ("unsubscribed_email", "2024-05-01", "Mail: a date"),
    ],
)
def test_the_reason_quotes_a_known_word_and_no_date(field: str, value: object, reason: str) -> None:
    opted_out, _ = find_opt_outs([("Mail", CONSENTS[field], value)])
    assert opted_out == {"email": reason}


def test_one_no_among_several_yeses_is_a_no() -> None:
    """In any sequence."""
    accepts = CONSENTS["accepts_email"]
    for values in (["yes", "no"], ["no", "yes"]):
        opted_out, _ = find_opt_outs([("Mail", accepts, value) for value in values])
        assert "email" in opted_out
