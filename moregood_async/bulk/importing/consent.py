"""Who must not be asked: the columns and cells that record consent.

A blank cell records nothing, and the person is asked. A cell whose meaning is unclear counts as a
no: when in doubt, nobody is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, cast

import attrs

from moregood_async.models.fields import CHANNELS, Channel


@attrs.frozen
class Consent:
    """What a column records about being asked."""

    channels: tuple[Channel, ...]
    """The channels that the column is about."""
    accepts: bool
    """Whether a yes allows asking (``accepts_email``) or forbids it (``unsubscribed``)."""

    def __str__(self) -> str:
        by = "" if self.channels == CHANNELS else f" by {_DISPLAY_NAMES[self.channels[0]]}"
        value = "no" if self.accepts else "yes or a date"
        return f"not asked{by} if the cell is {value}"


_DISPLAY_NAMES: Final[dict[Channel, str]] = {"email": "email", "sms": "SMS"}

CONSENTS: Final[Mapping[str, Consent]] = {
    "unsubscribed": Consent(CHANNELS, accepts=False),
    "unsubscribed_email": Consent(("email",), accepts=False),
    "unsubscribed_sms": Consent(("sms",), accepts=False),
    "accepts_marketing": Consent(CHANNELS, accepts=True),
    "accepts_email": Consent(("email",), accepts=True),
    "accepts_sms": Consent(("sms",), accepts=True),
}
"""What a column can be mapped to, besides a customer's fields, to keep people from being asked."""

_COLUMN_NAMES: Final[dict[str, str]] = {
    "unsubscribed": "unsubscribed unsubscribe isunsubscribed hasunsubscribed unsubscribedfromall "
    "optout optedout optsout hasoptedout isoptedout donotcontact dnc nocontact donotask "
    "donotdisturb unsubscribes",
    "unsubscribed_email": "unsubscribedfromallemail unsubscribedfromallemails unsubscribedemail "
    "unsubscribedfromemail unsubscribedfromemails emailunsubscribed emailunsubscribe emailoptout "
    "emailoptedout optoutemail optedoutemail optedoutofemail optedoutofemails optoutofemail "
    "hasoptedoutofemail hsemailoptout donotemail donotsendemail noemail noemails",
    "unsubscribed_sms": "unsubscribedfromsms unsubscribedsms smsunsubscribed smsunsubscribe "
    "smsoptout smsoptedout optoutsms optedoutsms optedoutofsms donottext donotsms notext nosms "
    "textoptout phoneoptout",
    "accepts_marketing": "acceptsmarketing acceptmarketing marketingconsent marketingoptin "
    "optin optedin consent gdprconsent marketingpermission marketingpermissions cancontact",
    "accepts_email": "acceptsemailmarketing acceptsemail acceptemail emailmarketing "
    "emailmarketingconsent emailmarketingstate emailmarketingstatus emailsubscriptionstatus "
    "emailsubscription emailsubscribed emailconsent emailoptin emailoptedin optinemail "
    "emailpermission",
    "accepts_sms": "acceptssmsmarketing acceptssms acceptsms smsmarketing smsmarketingconsent "
    "smsmarketingstate smsmarketingstatus smssubscriptionstatus smssubscription smssubscribed "
    "smsconsent smsoptin smsoptedin optinsms textoptin smspermission",
}
"""Normalized column names of exports; ``Email Subscription Status`` is Square's, for example."""
_FIELD_BY_NAME: Final[dict[str, str]] = {
    name: field for field, names in _COLUMN_NAMES.items() for name in names.split()
}
_TIME_SUFFIX: Final = re.compile(r"(?:timestamp|datetime|date|time|at|on)$")
_HUBSPOT_PREFIX: Final = "optedoutofemail"


def find_consent(name: str) -> str | None:
    """Return the key in `CONSENTS` that a normalized column name stands for, or None.

    >>> find_consent("unsubscribedat"), find_consent("optedoutofemailnewsletter")
    ('unsubscribed', 'unsubscribed_email')
    >>> find_consent("acceptssmsmarketing"), find_consent("city")
    ('accepts_sms', None)
    """
    # HubSpot has a column for each kind of email: "Opted out of email: Newsletter".
    if name.startswith(_HUBSPOT_PREFIX):
        return "unsubscribed_email"
    # "unsubscribed_at" and "Opt-out date" hold the day of what their first words name. The whole
    # name goes first, because a name may end in such letters by chance.
    return _FIELD_BY_NAME.get(name) or _FIELD_BY_NAME.get(_TIME_SUFFIX.sub("", name))


Permission = Literal["blank", "allowed", "forbidden", "unclear"]
"""What a cell says about asking the person."""

# All of these are compared without case, punctuation and blanks: "N/A" is "na", "-" is "".
_BLANK: Final = frozenset({"", "null", "nan", "nat", "unknown", "notknown"})
# "never" under "Unsubscribed at" means that nobody unsubscribed; under "Accepts email" it is a no.
# 0000-00-00 is MySQL's date without a value.
_NEVER: Final = frozenset({"none", "never", "na", "00000000", "00000000000000"})
# These are compared with their punctuation: "-1" is not 1.
_YES: Final = frozenset({"yes", "y", "true", "t", "1", "on", "x", "si", "oui", "ja"})
_NO: Final = frozenset({"no", "n", "false", "f", "0", "off", "non", "nein"})
# Words that mean the same in every column: "Unsubscribed" under "Email Subscription Status"
# (Square) and under "Unsubscribed" forbids asking.
_ALLOWED: Final = (
    "subscribed optedin optin singleoptin doubleoptin confirmedoptin active confirmed "
    "accepted granted consented allowed"
)
# "pending" is a double opt-in that was not confirmed. "cleaned" and "bounced" are Mailchimp's
# words for addresses that do not work.
_FORBIDDEN: Final = (
    "unsubscribed unsubscribe optedout optout notsubscribed nonsubscribed neversubscribed "
    "notoptedin pending pendingconfirmation unconfirmed cleaned bounced suppressed revoked "
    "withdrawn declined denied refused rejected blocked donotcontact"
)
_PERMISSION_BY_WORD: Final[dict[str, Permission]] = {
    **dict.fromkeys(_ALLOWED.split(), "allowed"),
    **dict.fromkeys(_FORBIDDEN.split(), "forbidden"),
    **dict.fromkeys(_NEVER, "forbidden"),
}
# 2024-05-01, 2024-05-01T10:30:00Z, 5/1/2024, 01.05.2024 10:30
_DATE: Final = re.compile(r"\d{4}-\d\d?-\d\d?(?:[t ].*)?|\d{1,4}[./]\d{1,2}[./]\d{1,4}(?:,? .*)?")
# Unix seconds or milliseconds: 1714559400, 1714559400000
_UNIX_TIME: Final = re.compile(r"\d{9,13}(?:\.\d+)?")


def read_permission(consent: Consent, value: object) -> Permission:
    """Return what a cell says in a column that records this consent.

    >>> accepts, unsubscribed = CONSENTS["accepts_email"], CONSENTS["unsubscribed"]
    >>> read_permission(accepts, "no"), read_permission(unsubscribed, "no")
    ('forbidden', 'allowed')
    >>> read_permission(unsubscribed, "2024-05-01 10:30"), read_permission(accepts, "")
    ('forbidden', 'blank')
    >>> read_permission(accepts, "maybe"), read_permission(unsubscribed, "Subscribed")
    ('unclear', 'allowed')
    """
    text = _normalize(value)
    word = re.sub(r"[\W_]", "", text)
    if word in _BLANK or (word in _NEVER and not consent.accepts):
        return "blank"
    if word in _PERMISSION_BY_WORD:
        return _PERMISSION_BY_WORD[word]
    # A date is a yes: it is the day on which the person subscribed or unsubscribed.
    if text in _YES or _DATE.fullmatch(text) or _UNIX_TIME.fullmatch(text):
        return "allowed" if consent.accepts else "forbidden"
    if text in _NO:
        return "forbidden" if consent.accepts else "allowed"
    return "unclear"


def _normalize(value: object) -> str:
    if isinstance(value, Mapping):  # Shopify's API: {"state": "subscribed", …}
        value = cast("Mapping[str, object]", value).get("state", "an object")
    text = "" if value is None else str(value).strip().casefold()
    if text == r"\n":  # MySQL exports null as \N
        return ""
    return text.removesuffix(".0")  # a column of 1 and blanks becomes the float 1.0 in pandas


_UNCLEAR: Final = "cannot be understood, so it counts as a no; write yes or no"


def find_opt_outs(
    consents: Iterable[tuple[str, Consent, object]],
) -> tuple[dict[str, str], list[str]]:
    """Return the channels by which a person must not be asked, with reasons, and warnings.

    ``consents`` are a row's columns that record consent, each with its value. One no is enough,
    however many columns say yes. The texts quote no cell except a known word, such as ``no``.

    >>> find_opt_outs([("Accepts Email Marketing", CONSENTS["accepts_email"], "no")])
    ({'email': 'Accepts Email Marketing: no'}, [])
    >>> _, warnings = find_opt_outs([("Newsletter", CONSENTS["accepts_email"], "maybe")])
    >>> warnings
    ['Newsletter: cannot be understood, so it counts as a no; write yes or no']
    """
    reasons: dict[str, str] = {}
    warnings: list[str] = []
    for column, consent, value in consents:
        permission = read_permission(consent, value)
        if permission == "unclear":
            warnings.append(f"{column}: {_UNCLEAR}")
        if permission in ("forbidden", "unclear"):
            for channel in consent.channels:
                reasons.setdefault(channel, f"{column}: {_describe(value, permission)}")
    return reasons, warnings


def _describe(value: object, permission: Permission) -> str:
    if permission == "unclear":
        return "cannot be understood"
    text = _normalize(value)
    # A forbidding cell is a word of the lists above, 0, 1, or a date, which is not quoted.
    return "a date" if text[:1].isdigit() and text not in ("0", "1") else text
