"""Who must not be asked: what columns are called, and what their cells say."""

import pytest

from moregood_async.bulk.importing.consent import CONSENTS, forbidden, word_of
from moregood_async.bulk.importing.headers import field_named

NOTHING = ["", " ", None, "NULL", "nan", float("nan"), "\\N", "unknown", "-", {"state": None}]
NO = ["no", "N", "FALSE", "0", 0, 0.0, False, "off"]
YES = ["yes", "Y", "True", "1", "1.0", 1, True, "x"]
DATES = ["2024-05-01", "2024-05-01T10:30:00Z", "5/1/2024", "01.05.2024 10:30", "1714559400"]
MAY = ["subscribed", "Opted in", "opt-in", {"state": "subscribed"}]
MAY_NOT = ["unsubscribed", "Not subscribed", "opted_out", "pending", {"state": "not_subscribed"}]
UNCLEAR = ["maybe", "да", ["a"], "2", {"x": 1}, "-1", 2, "yes and no"]


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
def test_a_column_says_what_it_is_about(column: str, field: str | None) -> None:
    """By the names that exports have for it."""
    assert field == field_named(column)


@pytest.mark.parametrize("said", NOTHING, ids=repr)
def test_a_blank_says_nothing(said: object) -> None:
    """And neither does a table's null: the person is asked."""
    assert {word_of(consent, said) for consent in CONSENTS.values()} == {""}


@pytest.mark.parametrize(
    ("said", "accepts", "unsubscribed"),
    [
        *((said, "may not", "may") for said in NO),
        *((said, "may", "may not") for said in [*YES, *DATES]),
        *((said, "may", "may") for said in MAY),
        *((said, "may not", "may not") for said in MAY_NOT),
        *((said, "not understood", "not understood") for said in UNCLEAR),
        *((said, "may not", "") for said in ["none", "never", "n/a", "0000-00-00 00:00:00"]),
    ],
    ids=repr,
)
def test_a_cell_says_who_may_be_asked(said: object, accepts: str, unsubscribed: str) -> None:
    """A yes forbids it in a column of the one kind, and allows it in one of the other."""
    assert accepts == word_of(CONSENTS["accepts_email"], said)
    assert unsubscribed == word_of(CONSENTS["unsubscribed"], said)


@pytest.mark.parametrize(
    ("field", "channels"),
    [
        ("unsubscribed", {"email", "sms"}),
        ("unsubscribed_email", {"email"}),
        ("unsubscribed_sms", {"sms"}),
    ],
)
def test_a_yes_closes_the_channels_that_the_column_is_about(field: str, channels: set[str]) -> None:
    """And no other."""
    assert channels == set(forbidden([("Left", CONSENTS[field], "yes")])[0])


def test_what_cannot_be_understood_counts_as_a_no_and_is_not_quoted() -> None:
    """When in doubt, nobody is asked."""
    consents = [("Consent", CONSENTS["accepts_marketing"], "call ada@example.com")]
    why, warnings = forbidden(consents)
    assert why == dict.fromkeys(("email", "sms"), "Consent: cannot be understood")
    assert warnings == ["Consent: cannot be understood, so it counts as a no; write yes or no"]


@pytest.mark.parametrize(("said", "shown"), [("0", "0"), (1, "1"), ("2024-05-01", "a date")])
def test_why_is_said_with_the_word_or_as_a_date(said: object, shown: str) -> None:
    """Never with more."""
    consent = CONSENTS["accepts_email" if said == "0" else "unsubscribed_email"]
    assert forbidden([("Mail", consent, said)])[0] == {"email": f"Mail: {shown}"}


def test_one_no_among_many_yeses_is_a_no() -> None:
    """Whatever their order."""
    accepts = CONSENTS["accepts_email"]
    for order in (["yes", "no"], ["no", "yes"]):
        assert "email" in forbidden([("Mail", accepts, said) for said in order])[0]
