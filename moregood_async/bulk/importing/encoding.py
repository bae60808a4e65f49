"""Encodings: told from the bytes of a file, and never in a way that garbles a name.

- A byte order mark decides.
- UTF-16 without one is told by its NULs, which stand at every other byte of plain letters.
- What is valid UTF-8 is UTF-8.
- The rest is Windows-1252, which Excel saves in the West, or a UTF-8 file with broken bytes.
  Windows-1252 text hardly ever looks like UTF-8 by chance, so it is Windows-1252 only where
  at most one in ten of the characters beyond ASCII is valid UTF-8.

A wrong guess must show: bytes that do not exist in the encoding, and a cell of a Windows-1252
file that is valid UTF-8, reject their row (`misread`).
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

UTF_8: Final = "utf-8"
WINDOWS_1252: Final = "cp1252"

_MARKS: Final = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE: Final = ("utf-16", "utf-32")
_SPOKEN: Final = {UTF_8: "UTF-8", WINDOWS_1252: "Windows-1252"}
_SAVE_AS_UTF8: Final = "save the file as UTF-8 (Excel: CSV UTF-8)"


def encoding_of(pieces: Iterable[bytes]) -> str:
    """The encoding of a file, or of the part of it that is known, from its bytes in pieces.

    >>> encoding_of(["Zoë".encode()]), encoding_of(["Zoë".encode("cp1252")])
    ('utf-8', 'cp1252')
    >>> encoding_of(["Name,Mail".encode("utf-16-le")])
    'utf-16-le'
    """
    seen = _Seen()
    for number, piece in enumerate(pieces):
        sure = told_at_once(piece) if number == 0 else None
        if sure is not None:
            return sure
        seen.add(piece)
    return seen.verdict()


def told_at_once(begins: bytes) -> str | None:
    """The encoding that a byte order mark tells, or that NULs do; None where neither does."""
    for mark, encoding in _MARKS:
        if begins.startswith(mark):
            return encoding
    sample = begins[: 1 << 16]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if 20 * (even + odd) < len(sample) or 10 * min(even, odd) > even + odd:
        return None
    return ("utf-16-le" if odd > even else "utf-16-be") if even + odd > 1 else None


@attrs.define
class _Seen:
    """What the bytes beyond ASCII look like so far, read as UTF-8."""

    good: int = 0
    """Characters of several bytes that are valid."""
    bad: int = 0
    """Bytes that are no part of any."""
    _decoder: codecs.IncrementalDecoder = attrs.field(
        factory=lambda: codecs.getincrementaldecoder(UTF_8)("surrogateescape")
    )

    def add(self, piece: bytes, *, final: bool = False) -> None:
        """One piece more; a character may stand across two."""
        text = self._decoder.decode(piece, final)
        if text.isascii():
            return
        valid = text.encode(UTF_8, "ignore").decode(UTF_8)
        self.bad += len(text) - len(valid)
        self.good += len(valid) - len(valid.encode("ascii", "ignore"))

    def verdict(self) -> str:
        self.add(b"", final=True)
        return WINDOWS_1252 if self.bad > 10 * self.good else UTF_8


def canonical(encoding: str) -> str:
    """An encoding's own name.

    Raises:
        LookupError: Python knows none of this name.

    >>> canonical("UTF8"), canonical("utf-8-sig"), canonical("windows-1252"), canonical("latin-1")
    ('utf-8', 'utf-8', 'cp1252', 'iso8859-1')
    """
    name = codecs.lookup(encoding).name
    " ".encode(name).decode(name)  # a LookupError for what encodes no text, such as hex
    return UTF_8 if name == "utf-8-sig" else name


def errors_of(encoding: str) -> str:
    """How bytes that are not of this encoding come through, so that their row can say so."""
    return "replace" if encoding.startswith(_WIDE) else "surrogateescape"


def spoken(encoding: str) -> str:
    """An encoding's name for people.

    >>> spoken("cp1252"), spoken("utf-16-le")
    ('Windows-1252', 'UTF-16-LE')
    """
    return _SPOKEN.get(encoding, encoding.upper())


def misread(cells: Sequence[str], encoding: str) -> str:
    """Why cells cannot have been of this encoding; empty where they can.

    >>> misread(["Zoë"], "utf-8"), misread(["Zoë".encode().decode("cp1252")], "cp1252")[:20]
    ('', 'holds UTF-8 within a')
    """
    broken = encoding.startswith(_WIDE) and any("\ufffd" in cell for cell in cells)
    if broken or not all(_encodes(cell) for cell in cells):
        also = "" if encoding == WINDOWS_1252 else ", or say which encoding it is in"
        return f"holds bytes that are not {spoken(encoding)}; {_SAVE_AS_UTF8}{also}"
    if encoding == WINDOWS_1252 and any(_is_utf8(cell) for cell in cells):
        return f"holds UTF-8 within a Windows-1252 file; {_SAVE_AS_UTF8} throughout"
    return ""


def _encodes(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_utf8(cell: str) -> bool:
    if cell.isascii():
        return False
    try:
        cell.encode(WINDOWS_1252).decode(UTF_8)
    except UnicodeError:
        return False
    return True
