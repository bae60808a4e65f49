"""Encodings: what a file is told to be in, and that nothing is garbled where that is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.importing.encoding import canonical, encoding_of, misread, spoken

TEXT = "First Name,Town\nZoë,Köln\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"", "utf-8"),
        (b"Name\nAda\n", "utf-8"),
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (TEXT.encode("cp1252"), "cp1252"),
        (TEXT.encode("utf-16"), "utf-16-le"),
        ("\ufeff".encode("utf-16-be") + TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("utf-32"), "utf-32-le"),
        ("名前,メール\n山田,yamada@example.com\n".encode("utf-16-le"), "utf-16-le"),
        (b"Name\nA\0da\n" + b"Ada\n" * 20, "utf-8"),
        (b"Name\nAda\0\0\n", "utf-8"),
    ],
    ids=repr,
)
def test_an_encoding_is_told(content: bytes, encoding: str) -> None:
    """By its mark, by its NULs, by what is valid; a stray NUL is no UTF-16."""
    assert encoding == encoding_of([content])


def test_a_few_broken_bytes_make_no_windows_1252() -> None:
    """Where much else is valid UTF-8; where nearly nothing is, they do."""
    assert encoding_of([TEXT.encode() * 50, b"Ren\xe9\n" * 3]) == "utf-8"
    assert encoding_of([TEXT.encode("cp1252") * 50, "É”".encode("cp1252")]) == "cp1252"


@given(st.text(max_size=40), st.integers(1, 5))
def test_the_pieces_do_not_matter(text: str, size: int) -> None:
    """A character may stand across two of them."""
    content = b"a" * 64 + text.encode()
    pieces = [content[:60], *(content[at : at + size] for at in range(60, len(content), size))]
    assert encoding_of([content]) == encoding_of(pieces)


@given(st.text(st.characters(codec="cp1252", exclude_characters="\0"), max_size=40))
def test_what_is_read_as_windows_1252_is_that_or_is_noticed(text: str) -> None:
    """And a UTF-8 cell within it is noticed always."""
    if not text.isascii():
        assert misread([text.encode().decode("cp1252", "surrogateescape")], "cp1252")
    try:
        text.encode("cp1252").decode()
    except UnicodeError:
        assert misread([text], "cp1252") == ""


@pytest.mark.parametrize(
    ("cells", "encoding", "told"),
    [
        (["Zo\udceb"], "utf-8", "not UTF-8"),
        (["Zo\udc81"], "cp1252", "not Windows-1252"),
        (["Zo\ufffd"], "utf-16-le", "not UTF-16-LE"),
        (["Zo\ufffd"], "utf-8", ""),
        (["Zoë"], "cp1252", ""),
        (["plain", "ZoÃ«"], "cp1252", "UTF-8 within a Windows-1252 file"),
        (["ZoÃ«"], "utf-8", ""),
        (["😀"], "cp1252", ""),
    ],
)
def test_what_cannot_have_been_is_said(cells: list[str], encoding: str, told: str) -> None:
    """With what to do, and without the cell."""
    said = misread(cells, encoding)
    assert told in said
    assert bool(told) == bool(said)
    assert "Zo" not in said


def test_names_of_encodings_are_one() -> None:
    """However they are typed; what encodes no text is none."""
    assert [canonical(name) for name in ("UTF8", "utf_8_sig", "Windows-1252")] == [
        "utf-8",
        "utf-8",
        "cp1252",
    ]
    assert spoken("cp1252") == "Windows-1252"
    with pytest.raises(LookupError):
        canonical("rot13")
