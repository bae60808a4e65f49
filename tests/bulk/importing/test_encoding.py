"""Encodings are detected, and a wrong guess garbles no name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.importing.encoding import (
    describe_misreading,
    detect_encoding,
    display_name,
    normalize_encoding,
)

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
def test_an_encoding_is_detected_by_its_mark_its_nuls_or_its_validity(
    content: bytes, encoding: str
) -> None:
    """A stray NUL does not make a file UTF-16."""
    assert detect_encoding([content]) == encoding


def test_a_few_broken_bytes_do_not_make_a_utf_8_file_windows_1252() -> None:
    """A file in which nearly nothing is valid UTF-8 is Windows-1252."""
    assert detect_encoding([TEXT.encode() * 50, b"Ren\xe9\n" * 3]) == "utf-8"
    assert detect_encoding([TEXT.encode("cp1252") * 50, "É”".encode("cp1252")]) == "cp1252"


@given(st.text(max_size=40), st.integers(1, 5))
def test_the_size_of_the_chunks_does_not_matter(text: str, size: int) -> None:
    """A character may be split between two chunks."""
    content = b"a" * 64 + text.encode()
    chunks = [content[:60], *(content[at : at + size] for at in range(60, len(content), size))]
    assert detect_encoding(chunks) == detect_encoding([content])


@given(st.text(st.characters(codec="cp1252", exclude_characters="\0"), max_size=40))
def test_utf_8_that_is_read_as_windows_1252_is_noticed(text: str) -> None:
    """Real Windows-1252 that is not valid UTF-8 is not."""
    if not text.isascii():
        assert describe_misreading([text.encode().decode("cp1252", "surrogateescape")], "cp1252")
    try:
        text.encode("cp1252").decode()
    except UnicodeError:
        assert describe_misreading([text], "cp1252") == ""


@pytest.mark.parametrize(
    ("cells", "encoding", "problem"),
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
def test_cells_that_the_encoding_cannot_hold_are_reported_and_not_quoted(
    cells: list[str], encoding: str, problem: str
) -> None:
    message = describe_misreading(cells, encoding)
    assert problem in message
    assert bool(message) == bool(problem)
    assert "Zo" not in message


def test_an_encoding_has_one_name_however_it_is_typed() -> None:
    """A codec that encodes no text is no encoding."""
    names = [normalize_encoding(name) for name in ("UTF8", "utf_8_sig", "Windows-1252")]
    assert names == ["utf-8", "utf-8", "cp1252"]
    assert display_name("cp1252") == "Windows-1252"
    with pytest.raises(LookupError):
        normalize_encoding("rot13")
