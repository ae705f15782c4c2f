"""Titles and years of films, read from paths as people and media centres write them."""

from __future__ import annotations

import os
import random
import string
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from titles_of_films import (
    FILMS,
    NO_TITLES,
    ODD_NAMES,
    WITH_YEAR,
    WITHOUT_YEAR,
    file_name,
    spelled,
)

from tagger.find.titles import title_and_year

#: Without its own year, a film's name says what it does not mean → what is read.
MISREAD = {
    "Wonder Woman 1984": ("Wonder Woman", 1984),
    "2001: A Space Odyssey": ("A Space Odyssey", 2001),
}
#: Nothing tells them from bare numbers and letters.
UNTOLD = ("1917", "2012", "300", "9", "M")


@pytest.fixture(autouse=True)
def in_a_folder_of_no_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Downloads").mkdir()
    monkeypatch.chdir(tmp_path / "Downloads")


@pytest.mark.parametrize(("spelling", "kept"), WITH_YEAR.items())
def test_films_with_their_year_are_read_exactly(spelling: str, kept: Callable[[str], str]) -> None:
    expected = {spelled(spelling, film): (kept(film[0]), film[1]) for film in FILMS}

    assert {path: title_and_year(path) for path in expected} == expected


@pytest.mark.parametrize(("spelling", "kept"), WITHOUT_YEAR.items())
def test_films_without_a_year_are_read_exactly(spelling: str, kept: Callable[[str], str]) -> None:
    expected: dict[str, tuple[str | None, int | None]] = {
        spelled(spelling, film): (kept(film[0]), None) for film in FILMS
    }
    for film in FILMS:
        if film[0] in UNTOLD:
            expected[spelled(spelling, film)] = (None, None)
        elif film[0] in MISREAD and not (spelling.startswith("{d}") and film[0].startswith("2")):
            expected[spelled(spelling, film)] = MISREAD[film[0]]

    assert {path: title_and_year(path) for path in expected} == expected


def test_enough_names_are_read_and_few_of_them_wrongly() -> None:
    names = len(FILMS) * (len(WITH_YEAR) + len(WITHOUT_YEAR)) + len(ODD_NAMES)
    wrong = (len(MISREAD) + len(UNTOLD)) * len(WITHOUT_YEAR)

    assert names >= 2500
    assert wrong <= 0.03 * names


@pytest.mark.parametrize(("path", "title", "year"), ODD_NAMES)
def test_odd_names(path: str, title: str | None, year: int | None) -> None:
    assert title_and_year(path) == (title, year)


@pytest.mark.parametrize("path", NO_TITLES)
def test_names_that_hold_no_title(path: str) -> None:
    assert title_and_year(path)[0] is None


def test_random_ids_are_no_titles() -> None:
    draw = random.Random(1).choices
    ids = ["".join(draw(string.ascii_letters + string.digits, k=27)) for _ in range(1000)]

    titles = [title for name in ids if (title := title_and_year(f"{name}.jpg")[0])]

    assert len(titles) <= 10  # by chance, letters alone can look like words


def test_a_name_that_says_nothing_takes_its_folder_s_film_if_its_year_stands_there() -> None:
    assert title_and_year("Heat (1995)/IMG_1234.jpg") == ("Heat", 1995)
    assert title_and_year("Heat (1995)/posters/3.jpg") == ("Heat", 1995)
    assert title_and_year("Heat/IMG_1234.jpg") == (None, None)
    assert title_and_year("Horror/0012.jpg") == (None, None)


def test_a_poster_takes_its_folder_s_film_without_a_year_too() -> None:
    assert title_and_year("Heat/poster.jpg") == ("Heat", None)
    assert title_and_year("Heat/extras/poster.jpg") == ("Heat", None)
    assert title_and_year("Heat/posters/poster.jpg") == (None, None)
    assert title_and_year("Horror/poster.jpg") == (None, None)
    assert title_and_year("Horror (2002)/poster.jpg") == ("Horror", 2002)
    assert title_and_year("Movies 2019/poster.jpg") == (None, None)
    assert title_and_year("/home/anna/poster.jpg") == (None, None)


def test_composed_and_decomposed_names_are_one_title() -> None:
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, "Amélie (2001).jpg")
        assert title_and_year(name) == ("Amélie", 2001)


def test_what_cannot_be_seen_is_in_no_title() -> None:
    assert title_and_year("He\u200bat\u202e\x07 \u2069(1995).jpg") == ("Heat", 1995)
    assert title_and_year("Heat\n\tagain (1995).jpg") == ("Heat again", 1995)
    assert title_and_year("می\u200cخواهم (1999).jpg") == ("می\u200cخواهم", 1999)


def test_bytes_that_are_not_utf_8_stay() -> None:
    name = os.fsdecode(b"caf\xe9 (1995).jpg")

    assert title_and_year(name) == (os.fsdecode(b"caf\xe9"), 1995)


# fmt: off
PIECES = (
    "a", "1", "-", "_", " ", ".", "(", "[(", "{", "\x07", "\udcff", "\u0301", "\u202e", "<b>", "a.",
    "A.B.", "a-", "1x1", "%41", "%ff", "&amp;", "1995 ", "(1995", "(1995) ", ", the", "-poster",
    "- ", "poster-", " movie", "copy ", "(1)", "_V1_", "aka ", "s01e01", "1080p ", "<title>",
)
# fmt: on


@pytest.mark.parametrize("piece", PIECES)
def test_of_a_name_longer_than_any_file_s_the_beginning_is_read(piece: str) -> None:
    long = piece * (10_000_000 // len(piece))
    short = long[:255]

    assert title_and_year(long) == title_and_year(short)
    assert title_and_year(f"{long}/poster.jpg") == title_and_year(f"{short}/poster.jpg")
    title, _ = title_and_year(f"{(piece * 80)[:200]} (1995)/{long}.jpg")
    assert title is None or title == " ".join(title.split())


def test_the_films_are_spelled_as_radarr_does() -> None:
    assert file_name("What's Up, Doc?: 1/2") == "What's Up, Doc - 1+2"
