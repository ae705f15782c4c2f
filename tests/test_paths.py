"""Names that are bytes become text and come back."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.text import escape, printable, unescape

#: Any name, and names made of what the escaping itself uses.
NAMES = st.one_of(
    st.binary(max_size=40),
    st.lists(
        st.sampled_from([b"\\", b"x", b"5", b"c", b"4", b"1", b"F", b"\xff", b"\xc3", b"\xa9"]),
        max_size=16,
    ).map(b"".join),
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"plain.jpg", "plain.jpg"),
        ("Où, l'été.jpg".encode(), "Où, l'été.jpg"),
        (b'comma, "quote"\n.jpg', 'comma, "quote"\n.jpg'),
        (b"back\\slash.jpg", "back\\slash.jpg"),
        (b"\xff.jpg", r"\xff.jpg"),
        (b"\xc3.jpg", r"\xc3.jpg"),
        (rb"\x41.jpg", r"\x5cx41.jpg"),
        (rb"\xzz.jpg", r"\xzz.jpg"),
        (b"\\\xff.jpg", r"\\xff.jpg"),
        (b"\xed\xa0\x80.jpg", r"\xed\xa0\x80.jpg"),
    ],
)
def test_a_name_is_escaped_only_where_it_must(name: bytes, text: str) -> None:
    assert escape(os.fsdecode(name)) == text
    assert os.fsencode(unescape(text)) == name


@given(NAMES)
def test_every_name_comes_back_to_the_byte(name: bytes) -> None:
    text = escape(os.fsdecode(name))

    assert os.fsencode(unescape(text)) == name


@given(NAMES)
def test_every_escaped_name_is_utf_8(name: bytes) -> None:
    text = escape(os.fsdecode(name))

    assert text.encode("utf-8").decode("utf-8") == text


@given(st.tuples(NAMES, NAMES))
def test_different_names_stay_different(names: tuple[bytes, bytes]) -> None:
    one, other = (escape(os.fsdecode(name)) for name in names)

    assert (one == other) == (names[0] == names[1])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Où.jpg".encode(), "Où.jpg"),
        (b"two\nlines.jpg", r"two\nlines.jpg"),
        (b"\x1b[2Jgone.jpg", r"\x1b[2Jgone.jpg"),
        ("\u202egpj.exe".encode(), r"\u202egpj.exe"),
        (b"\xff.jpg", r"\xff.jpg"),
    ],
)
def test_a_terminal_sees_no_control_characters(name: bytes, shown: str) -> None:
    assert printable(os.fsdecode(name)) == shown
