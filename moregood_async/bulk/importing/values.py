"""Values: what one cell of a file, or one value of a JSON object, means in a field."""

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
# 2024-05-01 10:30, 2024-05-01T10:30:00.5
_TIME_WITHOUT_ZONE: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?")


def parse_value(field: str, value: object) -> Any:
    """Return a value as its field takes it, or None for a blank one.

    A text field accepts numbers, such as a phone or a postal code, and dates.

    >>> parse_value("postal_code", 94110), parse_value("city", "  ")
    ('94110', None)
    >>> parse_value("tags", ["new", "vip"])
    ['new', 'vip']

    Raises:
        ValueError: The field cannot hold the value. The message says why and does not quote it.
    """
    if isinstance(value, str):
        value = strip_guard(value.strip())
        if "\0" in value:
            raise ValueError("holds a NUL byte; remove it")
    if is_blank(value):
        return None
    return _PARSERS.get(field, to_text)(value)


def is_blank(value: object) -> bool:
    """Whether a value is null, blank text, or NaN, which pandas writes for a missing value.

    >>> is_blank(None), is_blank(" "), is_blank(float("nan")), is_blank(0)
    (True, True, True, False)
    """
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))


def parse_flag(value: object) -> bool:
    """Return a yes or a no as a bool.

    Raises:
        ValueError: The value is neither.
    """
    word = (str(value) if isinstance(value, bool) else to_text(value)).casefold()
    if word in _YES or word in _NO:
        return word in _YES
    raise ValueError("must be yes or no (or 1 or 0, true or false)")


def parse_slugs(value: object) -> list[str]:
    """Return the slugs of a cell or a list, each once.

    >>> parse_slugs("regular; newsletter, regular")
    ['regular', 'newsletter']
    """
    if isinstance(value, list | tuple):
        elements = cast("Sequence[object]", value)
        slugs = [to_text(each).strip() for each in elements if not is_blank(each)]
    else:
        slugs = [each.strip() for each in re.split(r"[,;]", to_text(value))]
    return list(dict.fromkeys(slug for slug in slugs if slug))


def to_text(value: object) -> str:
    """Return a value as text.

    >>> to_text(94110), to_text(94110.0), to_text(Decimal("7.50"))
    ('94110', '94110', '7.50')

    Raises:
        ValueError: The value is a bool, a list or an object.
    """
    if isinstance(value, str):
        return value
    # A column of numbers with a gap becomes floats in pandas: the postal code 94110.0 is 94110.
    if isinstance(value, float | Decimal) and value % 1 == 0:
        return f"{value:.0f}"
    if isinstance(value, int | float | Decimal | UUID | date) and not isinstance(value, bool):
        return str(value)
    name = _TYPE_NAMES.get(type(value), f"the type {type(value).__name__}")
    raise ValueError(f"must be text, not {name}")


_TYPE_NAMES: Final[dict[type, str]] = {
    bool: "true or false",
    list: "a list",
    tuple: "a list",
    dict: "an object",
    bytes: "bytes",
}


def parse_moment(value: object) -> date | datetime | str:
    """Return a date or a time; a time without a zone becomes its date.

    The model refuses a time without a zone, because it names no moment; for a sign-up, the date is
    enough. Other text is returned unchanged: the model checks it.

    >>> parse_moment("2024-05-01 10:30"), parse_moment(datetime(2024, 5, 1, 10, 30))
    ('2024-05-01', datetime.date(2024, 5, 1))
    >>> parse_moment(1714559400).isoformat()
    '2024-05-01T10:30:00+00:00'
    """
    if isinstance(value, datetime):
        return value if value.utcoffset() is not None else value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _parse_unix_time(value)
    text = to_text(value)
    without_zone = _TIME_WITHOUT_ZONE.fullmatch(text)
    return without_zone[1] if without_zone else text


def _parse_unix_time(value: float) -> datetime:
    # 1714559400 is in 2024. 1714559400000 would be in the year 56302, so it is in milliseconds;
    # 1e11 seconds are the year 5138, and 1e11 milliseconds are in 1973.
    seconds = value / 1000 if abs(value) > 1e11 else value
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError("is neither a date nor Unix seconds") from None


def split_name(full_name: str, last_name: str = "") -> tuple[str, str]:
    """Return the first and the last name of a full name, which is split at its first blank.

    If the last name is known from another column, the words before it are the first name. A full
    name that does not end in the last name is a first name. A single word is a first name.

    >>> split_name("Ada King Lovelace"), split_name("Ada")
    (('Ada', 'King Lovelace'), ('Ada', ''))
    >>> split_name("Anna Maria Rossi", "Rossi"), split_name("Anna Maria", "Rossi")
    (('Anna Maria', 'Rossi'), ('Anna Maria', 'Rossi'))
    """
    words = full_name.split()
    if last_name:
        last_words = last_name.split()
        # Something must remain: the full name "Rossi" is a first name, whatever the last name is.
        ends = len(words) > len(last_words) and words[-len(last_words) :] == last_words
        return " ".join(words[: -len(last_words)] if ends else words), last_name
    return " ".join(words[:1]), " ".join(words[1:])


def to_cell(value: object) -> str:
    """Return a value as the cell of a table.

    >>> to_cell("Ada"), to_cell(None), to_cell(True), to_cell(["a", "b"])
    ('Ada', '', 'true', '["a", "b"]')
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # JSON may hold half a surrogate pair
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _parse_code(value: object) -> str:
    """Return a phone or postal code without the apostrophe that Shopify puts before it.

    The apostrophe keeps spreadsheets from removing zeros: ``'01234`` is the postal code 01234.
    """
    return to_text(value).removeprefix("'")


_PARSERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "has_subscription": parse_flag,
    "tags": parse_slugs,
    "signed_up_at": parse_moment,
    "postal_code": _parse_code,
    "phone": _parse_code,
}
"""The parsers of fields; every other field has `to_text`."""
