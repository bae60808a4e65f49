"""Who must not be asked: columns and cells that say so.

A blank cell says nothing, and the person is asked. A cell that cannot be understood counts as a
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
    """What a column says about being asked."""

    channels: tuple[Channel, ...]
    """The channels that it is about."""
    accepts: bool
    """True where a yes allows it (``accepts_email``), False where a yes forbids it."""

    def __str__(self) -> str:
        through = "" if self.channels == CHANNELS else f" by {_SPOKEN[self.channels[0]]}"
        when = "it is no" if self.accepts else "it is a yes or a date"
        return f"not asked{through} where {when}"


_SPOKEN: Final[dict[Channel, str]] = {"email": "email", "sms": "SMS"}

CONSENTS: Final[Mapping[str, Consent]] = {
    "unsubscribed": Consent(CHANNELS, accepts=False),
    "unsubscribed_email": Consent(("email",), accepts=False),
    "unsubscribed_sms": Consent(("sms",), accepts=False),
    "accepts_marketing": Consent(CHANNELS, accepts=True),
    "accepts_email": Consent(("email",), accepts=True),
    "accepts_sms": Consent(("sms",), accepts=True),
}
"""What a column can be mapped to, beside a customer's fields, to keep people from being asked."""

_CALLED: Final[dict[str, str]] = {
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
_FIELD_OF: Final[dict[str, str]] = {
    name: field for field, names in _CALLED.items() for name in names.split()
}
_WHEN: Final = re.compile(r"(?:timestamp|datetime|date|time|at|on)$")
_OF_ONE_KIND: Final = "optedoutofemail"


def consent_named(name: str) -> str | None:
    """What a column says about being asked, told from its plain name, or None.

    HubSpot has a column for each kind of email: ``Opted out of email: Newsletter``.

    >>> consent_named("unsubscribedat"), consent_named("optedoutofemailnewsletter")
    ('unsubscribed', 'unsubscribed_email')
    >>> consent_named("acceptssmsmarketing"), consent_named("city")
    ('accepts_sms', None)
    """
    if name.startswith(_OF_ONE_KIND):
        return "unsubscribed_email"
    return _FIELD_OF.get(name) or _FIELD_OF.get(_WHEN.sub("", name))


Word = Literal["", "may", "may not", "not understood"]
"""What a cell says: nothing, that the person may be asked, or may not, or nobody knows what."""

_BLANK: Final = frozenset({"", "null", "nan", "nat", "unknown", "notknown"})
_NEVER: Final = frozenset({"none", "never", "na", "00000000", "00000000000000"})
_YES: Final = frozenset({"yes", "y", "true", "t", "1", "on", "x", "si", "oui", "ja"})
_NO: Final = frozenset({"no", "n", "false", "f", "0", "off", "non", "nein"})
_WORDS: Final[dict[Word, str]] = {
    "may": "subscribed optedin optin singleoptin doubleoptin confirmedoptin active confirmed "
    "accepted granted consented allowed",
    "may not": "unsubscribed unsubscribe optedout optout notsubscribed nonsubscribed "
    "neversubscribed notoptedin pending pendingconfirmation unconfirmed cleaned bounced "
    "suppressed revoked withdrawn declined denied refused rejected blocked donotcontact none "
    "never na 00000000 00000000000000",
}
_SAID: Final[dict[str, Word]] = {
    each: word for word, listed in _WORDS.items() for each in listed.split()
}
_DATE: Final = re.compile(r"\d{4}-\d\d?-\d\d?(?:[t ].*)?|\d{1,4}[./]\d{1,2}[./]\d{1,4}(?:,? .*)?")
_MOMENT: Final = re.compile(r"\d{9,13}(?:\.\d+)?")


def word_of(consent: Consent, said: object) -> Word:
    """What a cell or a value says in a column of that kind.

    >>> accepts, left = CONSENTS["accepts_email"], CONSENTS["unsubscribed"]
    >>> word_of(accepts, "no"), word_of(left, "no"), word_of(left, "2024-05-01 10:30")
    ('may not', 'may', 'may not')
    >>> word_of(accepts, ""), word_of(accepts, "maybe"), word_of(left, "Subscribed")
    ('', 'not understood', 'may')
    """
    text = _text(said)
    bare = re.sub(r"[\W_]", "", text)
    if bare in _BLANK or (bare in _NEVER and not consent.accepts):
        return ""
    if bare in _SAID:
        return _SAID[bare]
    if text in _YES or _DATE.fullmatch(text) or _MOMENT.fullmatch(text):
        return "may" if consent.accepts else "may not"
    if text in _NO:
        return "may not" if consent.accepts else "may"
    return "not understood"


def _text(said: object) -> str:
    if isinstance(said, Mapping):  # Shopify's API: {"state": "subscribed", …}
        said = cast("Mapping[str, object]", said).get("state", "an object")
    text = "" if said is None else str(said).strip().casefold()
    return "" if text == r"\n" else text.removesuffix(".0")  # MySQL's null, and a float's 1


_DOUBT: Final = "cannot be understood, so it counts as a no; write yes or no"


def forbidden(
    consents: Iterable[tuple[str, Consent, object]],
) -> tuple[dict[str, str], list[str]]:
    """The channels through which a person must not be asked, each with why; and warnings.

    Nothing of what stands in the cells is quoted but a yes or a no.

    >>> forbidden([("Accepts Email Marketing", CONSENTS["accepts_email"], "no")])
    ({'email': 'Accepts Email Marketing: no'}, [])
    >>> _, warnings = forbidden([("Newsletter", CONSENTS["accepts_email"], "maybe")])
    >>> warnings
    ['Newsletter: cannot be understood, so it counts as a no; write yes or no']
    """
    why: dict[str, str] = {}
    warnings: list[str] = []
    for column, consent, said in consents:
        word = word_of(consent, said)
        if word == "not understood":
            warnings.append(
                f"{column}: cannot be understood, so it counts as a no; write yes or no"
            )
        if word in ("may not", "not understood"):
            for channel in consent.channels:
                why.setdefault(channel, f"{column}: {_shown(said, word)}")
    return why, warnings


def _shown(said: object, word: Word) -> str:
    text = _text(said)
    if word == "not understood":
        return "cannot be understood"
    return "a date" if text[:1].isdigit() and text != "0" and text != "1" else text
