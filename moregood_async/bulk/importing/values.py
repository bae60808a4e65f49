"""Values of a file: what one cell, or one value of a JSON object, says in a field."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, cast
from uuid import UUID

from moregood_async.bulk.importing.rows import strip_guard

_YES: Final = frozenset({"yes", "y", "true", "t", "1", "on"})
_NO: Final = frozenset({"no", "n", "false", "f", "0", "off"})
_TIME_WITHOUT_ZONE: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?")


def read(field: str, value: object) -> Any:
    """A value as its field takes it, or None where it is blank.

    A number is fine where text is wanted, such as a phone or a postal code, and so is a date.

    >>> read("postal_code", 94110), read("city", "  "), read("tags", ["new", "vip"])
    ('94110', None, ['new', 'vip'])

    Raises:
        ValueError: It cannot be read as that; says why, and quotes nothing.
    """
    if isinstance(value, str):
        value = strip_guard(value.strip())
        if "\0" in value:
            raise ValueError("holds a NUL; take it out")
    if is_blank(value):
        return None
    return _READ.get(field, text_of)(value)


def is_blank(value: object) -> bool:
    """Whether a value is none: null, blank text, or a table's "not a number".

    >>> is_blank(None), is_blank(" "), is_blank(float("nan")), is_blank(0)
    (True, True, True, False)
    """
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))


def yes_or_no(value: object) -> bool:
    """A yes or a no as a bool.

    Raises:
        ValueError: It is neither.
    """
    word = text_of(value).casefold() if not isinstance(value, bool) else str(value).casefold()
    if word in _YES or word in _NO:
        return word in _YES
    raise ValueError("is yes or no (or 1 or 0, true or false)")


def slugs_in(value: object) -> list[str]:
    """Slugs that stand in one cell or list, each once.

    >>> slugs_in("regular; newsletter, regular")
    ['regular', 'newsletter']
    """
    if isinstance(value, list | tuple):
        parts = cast("Sequence[object]", value)
        found = [text_of(part).strip() for part in parts if not is_blank(part)]
    else:
        found = [part.strip() for part in re.split(r"[,;]", text_of(value))]
    return list(dict.fromkeys(part for part in found if part))


def text_of(value: object) -> str:
    """A value as text: 94110 and 94110.0 are ``94110``.

    Raises:
        ValueError: It is a yes or a no, a list or an object, which is no text.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float | Decimal) and value % 1 == 0:
        return f"{value:.0f}"
    if isinstance(value, int | float | Decimal | UUID | date) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"is text, not {_KIND.get(type(value), f'a {type(value).__name__}')}")


_KIND: Final[dict[type, str]] = {
    bool: "true or false",
    list: "a list",
    tuple: "a list",
    dict: "an object",
    bytes: "bytes",
}


def moment_of(value: object) -> date | datetime | str:
    """A date or a time: as it is; unix seconds as a time; one without a zone as its date.

    >>> moment_of("2024-05-01 10:30"), moment_of(datetime(2024, 5, 1, 10, 30))
    ('2024-05-01', datetime.date(2024, 5, 1))
    >>> moment_of(1714559400).isoformat()
    '2024-05-01T10:30:00+00:00'
    """
    if isinstance(value, datetime):
        return value if value.utcoffset() is not None else value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _since_1970(value)
    text = text_of(value)
    naive = _TIME_WITHOUT_ZONE.fullmatch(text)
    return naive[1] if naive else text


def _since_1970(value: float) -> datetime:
    seconds = value / 1000 if abs(value) > 1e11 else value
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError("is no date, and no unix seconds either") from None


def split_name(whole: str, last_name: str = "") -> tuple[str, str]:
    """First and last name of a whole one, which is split at its first blank.

    Where the last name is known, what stands before it is the first name; one that it does not
    end in is a first name as it is. One word is a first name.

    >>> split_name("Ada King Lovelace"), split_name("Ada")
    (('Ada', 'King Lovelace'), ('Ada', ''))
    >>> split_name("Anna Maria Rossi", "Rossi"), split_name("Anna Maria", "Rossi")
    (('Anna Maria', 'Rossi'), ('Anna Maria', 'Rossi'))
    """
    words = whole.split()
    if last_name:
        known = last_name.split()
        ends = len(words) > len(known) and words[-len(known) :] == known
        return " ".join(words[: -len(known)] if ends else words), last_name
    return " ".join(words[:1]), " ".join(words[1:])


def shown(value: object) -> str:
    """A value as the cell of a table.

    >>> shown("Ada"), shown(None), shown(True), shown(["a", "b"])
    ('Ada', '', 'true', '["a", "b"]')
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # JSON may hold half a character
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _without_guard(value: object) -> str:
    return text_of(value).removeprefix("'")  # Shopify's guard against lost zeros


_READ: Final[Mapping[str, Callable[[object], Any]]] = {
    "has_subscription": yes_or_no,
    "tags": slugs_in,
    "signed_up_at": moment_of,
    "postal_code": _without_guard,
    "phone": _without_guard,
}
