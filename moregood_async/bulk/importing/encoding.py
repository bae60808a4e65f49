r"""The encoding of a file, detected from its bytes so that no name is ever garbled.

1. A byte order mark decides.
2. UTF-16 without a mark shows by its NUL bytes: ``Name`` is ``N\0a\0m\0e\0``.
3. Bytes that are valid UTF-8 are UTF-8.
4. The rest is Windows-1252, which Excel saves in the West, or a UTF-8 file with broken bytes.
   Windows-1252 text hardly ever looks like UTF-8 by chance, so a file is Windows-1252 only if at
   most one in ten of its characters beyond ASCII is valid UTF-8.

A wrong guess must show: `describe_misreading` finds bytes that the encoding does not have, and
cells of a Windows-1252 file that are valid UTF-8. Such rows are rejected.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

UTF_8: Final = "utf-8"
WINDOWS_1252: Final = "cp1252"

_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark (FF FE) begins FF FE 00 00
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE: Final = ("utf-16", "utf-32")
_DISPLAY_NAMES: Final = {UTF_8: "UTF-8", WINDOWS_1252: "Windows-1252"}
_SAVE_AS_UTF8: Final = "save the file as UTF-8 (Excel: CSV UTF-8)"

SAMPLE_BYTES: Final = 1 << 16
"""Limits the bytes whose NULs are counted; a header and some hundred rows are enough."""


def detect_encoding(chunks: Iterable[bytes]) -> str:
    """Return the encoding of the bytes of a file, which come in chunks.

    >>> detect_encoding(["Zoë".encode()]), detect_encoding(["Zoë".encode("cp1252")])
    ('utf-8', 'cp1252')
    >>> detect_encoding(["Name,Mail".encode("utf-16-le")])
    'utf-16-le'
    """
    statistics = _Utf8Statistics()
    for number, chunk in enumerate(chunks):
        certain = detect_wide_or_marked(chunk) if number == 0 else None
        if certain is not None:
            return certain
        statistics.add(chunk)
    return statistics.verdict()


def detect_wide_or_marked(beginning: bytes) -> str | None:
    """Return the encoding that a byte order mark or NUL bytes show; None if neither does."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if beginning.startswith(mark):
            return encoding
    sample = beginning[:SAMPLE_BYTES]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    nuls = even + odd
    # In text of Latin letters, every other byte is a NUL. Names in Japanese, with Latin commas, @
    # and line ends, usually have more than 1 in 20. A UTF-8 file with a stray NUL has fewer.
    if 20 * nuls < len(sample):
        return None
    # UTF-16 has its NULs at positions of one parity: 50 odd and 2 even ones are UTF-16-LE. Where
    # more than a tenth is on the other side, such as 50 and 20, the bytes are no UTF-16.
    if 10 * min(even, odd) > nuls:
        return None
    if nuls <= 1:  # one NUL in a short file proves nothing; none at all is the usual case
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


@attrs.define
class _Utf8Statistics:
    """How many bytes beyond ASCII are valid UTF-8."""

    valid: int = 0
    """Characters of several bytes that are valid UTF-8."""
    invalid: int = 0
    """Bytes that belong to no valid character."""
    _decoder: codecs.IncrementalDecoder = attrs.field(
        factory=lambda: codecs.getincrementaldecoder(UTF_8)("surrogateescape"), repr=False
    )
    """Decodes across chunks, because a character may be split between two of them."""

    def add(self, chunk: bytes, *, final: bool = False) -> None:
        """Count the characters of one more chunk."""
        text = self._decoder.decode(chunk, final)
        if text.isascii():
            return
        # `surrogateescape` decodes an invalid byte such as E9 to the surrogate U+DCE9, which
        # encoding with `ignore` drops: "Ren\udce9 Zoë" becomes "Ren Zoë", so one byte is invalid
        # and one character beyond ASCII (ë) is valid.
        valid_text = text.encode(UTF_8, "ignore").decode(UTF_8)
        self.invalid += len(text) - len(valid_text)
        self.valid += len(valid_text) - len(valid_text.encode("ascii", "ignore"))

    def verdict(self) -> str:
        """Return Windows-1252 if there are more than 10 invalid bytes for each valid character.

        50 UTF-8 names with 3 broken bytes stay UTF-8, and only their rows are rejected. 50
        Windows-1252 names with one accidental match, such as ``É”`` (C9 94), are Windows-1252.
        """
        self.add(b"", final=True)
        return WINDOWS_1252 if self.invalid > 10 * self.valid else UTF_8


def normalize_encoding(encoding: str) -> str:
    """Return Python's own name of an encoding.

    Raises:
        LookupError: Python has no text encoding of this name.

    >>> normalize_encoding("UTF8"), normalize_encoding("utf-8-sig")
    ('utf-8', 'utf-8')
    >>> normalize_encoding("windows-1252"), normalize_encoding("latin-1")
    ('cp1252', 'iso8859-1')
    """
    name = codecs.lookup(encoding).name
    " ".encode(name).decode(name)  # raises LookupError for codecs that encode no text, such as hex
    return UTF_8 if name == "utf-8-sig" else name


def decode_errors_for(encoding: str) -> str:
    """Return the error handler of `open` that keeps invalid bytes visible in their row.

    ``surrogateescape`` also keeps them byte for byte, and works only with encodings that extend
    ASCII.
    """
    return "replace" if encoding.startswith(_WIDE) else "surrogateescape"


def display_name(encoding: str) -> str:
    """Return an encoding's name for people.

    >>> display_name("cp1252"), display_name("utf-16-le")
    ('Windows-1252', 'UTF-16-LE')
    """
    return _DISPLAY_NAMES.get(encoding, encoding.upper())


def describe_misreading(cells: Sequence[str], encoding: str) -> str:
    """Return why cells cannot have been written in this encoding; empty if they can.

    >>> describe_misreading(["Zoë"], "utf-8")
    ''
    >>> describe_misreading(["Zoë".encode().decode("cp1252")], "cp1252")[:30]
    'holds UTF-8 within a Windows-1'
    """
    # U+FFFD is what `replace` wrote for invalid bytes. A UTF-8 file may really hold one.
    has_replacement = encoding.startswith(_WIDE) and any("\ufffd" in cell for cell in cells)
    if has_replacement or not all(_is_encodable(cell) for cell in cells):
        also = "" if encoding == WINDOWS_1252 else ", or name its encoding"
        return f"holds bytes that are not {display_name(encoding)}; {_SAVE_AS_UTF8}{also}"
    if encoding == WINDOWS_1252 and any(_is_utf8_read_as_1252(cell) for cell in cells):
        return f"holds UTF-8 within a Windows-1252 file; {_SAVE_AS_UTF8} throughout"
    return ""


def _is_encodable(cell: str) -> bool:
    """Whether the cell holds no surrogate, which `surrogateescape` made of an invalid byte."""
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_utf8_read_as_1252(cell: str) -> bool:
    """Whether the bytes of the cell are valid UTF-8: ``ZoÃ«`` was ``Zoë``."""
    if cell.isascii():
        return False
    try:
        cell.encode(WINDOWS_1252).decode(UTF_8)
    except UnicodeError:
        return False
    return True
