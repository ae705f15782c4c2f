"""Titles as films' ``.nfo`` files say them, before names."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from foreign_nfos import JELLYFIN, KODI

from tagger.find.film_titles import FilmTitles
from tagger.results import ImageText

RAN = """\
<movie>
  <title>Ran</title>
  <originaltitle>乱</originaltitle>
  <premiered>1985-06-01</premiered>
</movie>
"""
NAMED = ImageText("Hitze", 1996, "names")

_seen: list[tuple[str, object]] = []
_listens = False


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if _listens and event in ("os.listdir", "os.scandir", "open"):
        _seen.append((event, arguments[0]))


sys.addaudithook(_listen)


@contextmanager
def looks() -> Iterator[list[tuple[str, object]]]:
    """Collect which folders are listed and which files are opened."""
    global _listens
    _seen.clear()
    _listens = True
    try:
        yield _seen
    finally:
        _listens = False


def poster(folder: Path, nfo: str | bytes | None, name: str = "movie.nfo") -> str:
    """Return the path of a poster in a folder named as a film, with an ``.nfo`` beside it."""
    place = folder / "Hitze (1996)"
    place.mkdir(exist_ok=True)
    if nfo is not None:
        (place / name).write_bytes(nfo.encode() if isinstance(nfo, str) else nfo)
    return str(place / "poster.jpg")


@pytest.mark.parametrize(
    ("nfo", "expected"),
    [
        (KODI, ImageText("Heat", 1996, "nfo+names")),
        (JELLYFIN, ImageText("Heat", 1995, "nfo")),
        (RAN, ImageText("Ran 乱", 1985, "nfo")),
        (RAN.replace("乱", "Ran"), ImageText("Ran", 1985, "nfo")),
        ("<movie><title>M</title><year>1931</year></movie>", ImageText("M", 1931, "nfo")),
        ("<movie><title>1917</title><year>2019</year></movie>", ImageText("1917", 2019, "nfo")),
        (
            "<movie><originaltitle>Сталкер</originaltitle><year>1979</year></movie>",
            ImageText("Сталкер", 1979, "nfo"),
        ),
        (
            "<movie><title/><title> Tom &amp;\n\tJerry </title><year>2021</year></movie>",
            ImageText("Tom & Jerry", 2021, "nfo"),
        ),
        (
            "<movie><title>Heat</title><year>0</year><premiered>1995-12-15</premiered></movie>",
            ImageText("Heat", 1995, "nfo"),
        ),
        # What it does not say, names do.
        (
            "<movie><title>Heat</title><year>soon</year></movie>",
            ImageText("Heat", 1996, "nfo+names"),
        ),
        ("<movie><year>1995</year></movie>", ImageText("Hitze", 1995, "names+nfo")),
        ("<movie><title> </title></movie>", NAMED),
        ("<movie/>", NAMED),
        ("<movie><set><title>Other</title></set></movie>", NAMED),
        ("<tvshow><title>Show</title></tvshow>", NAMED),
        ("https://www.themoviedb.org/movie/949", NAMED),
        ("", NAMED),
        ("<movie><title>Heat</title>", NAMED),
        ("<movie><title>Heat</title></movie", NAMED),
        (b"<movie><title>Heat\xff</title></movie>", NAMED),
        (
            '<!DOCTYPE m [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><movie><title>&b;</title></movie>',
            NAMED,
        ),
        ("<a>" * 100_000, NAMED),
        (f"<movie><title>{'x' * 5_000_000}</title></movie>", NAMED),
        (f"<movie><title>{'x' * 100_000}</title></movie>", ImageText("x" * 255, 1996, "nfo+names")),
    ],
)
def test_an_nfo_wins_over_names(tmp_path: Path, nfo: str | bytes, expected: ImageText) -> None:
    assert FilmTitles().of(poster(tmp_path, nfo)) == expected


def test_any_encoding_is_read(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="utf-16"?><movie><title>羅生門</title></movie>'

    assert FilmTitles().of(poster(tmp_path, text.encode("utf-16"))) == ImageText(
        "羅生門", 1996, "nfo+names"
    )


def test_it_is_the_nfo_of_the_image_s_film(tmp_path: Path) -> None:
    for name in ("Heat", "Ran"):
        (tmp_path / f"{name}.nfo").write_text(f"<movie><title>{name} 1</title></movie>")
        (tmp_path / f"{name}.mkv").touch()
    titles = FilmTitles()

    names = ("Heat-poster.jpg", "Ran.jpg", "Tampopo-poster.jpg")
    found = [titles.of(str(tmp_path / name)) for name in names]

    assert list(map(str, found)) == ["nfo: Heat 1", "nfo: Ran 1", "names: Tampopo"]


def test_where_it_is_not_clear_which_nfo_is_meant_names_say(tmp_path: Path) -> None:
    poster(tmp_path, "<movie><title>A</title></movie>", "a.nfo")

    assert FilmTitles().of(poster(tmp_path, "<movie><title>B</title></movie>", "b.nfo")) == NAMED


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    image = poster(tmp_path, None)
    nfo = Path(image).with_name("movie.nfo")

    os.mkfifo(nfo)
    assert FilmTitles().of(image) == NAMED
    nfo.unlink()
    nfo.mkdir()
    assert FilmTitles().of(image) == NAMED
    nfo.rmdir()
    nfo.symlink_to("nowhere")
    assert FilmTitles().of(image) == NAMED


@pytest.mark.parametrize("path", ["nowhere/Heat (1995).jpg", "a\0b/Heat (1995).jpg"])
def test_an_image_that_is_not_there_has_the_title_of_its_name(path: str) -> None:
    assert FilmTitles().of(path) == ImageText("Heat", 1995, "names")


@pytest.mark.parametrize("path", ["(1995).jpg", "1917.jpg", "IMG_1234.jpg", "\0.jpg", ""])
def test_a_name_without_a_title_says_nothing(folder: Path, path: str) -> None:
    assert FilmTitles().of(path) is None


def test_an_nfo_that_knows_the_year_alone_says_it(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.nfo").write_text("<movie><year>1995</year></movie>")

    assert FilmTitles().of(str(tmp_path / "IMG_1.jpg")) == ImageText("", 1995, "nfo")


def test_many_threads_may_ask(tmp_path: Path) -> None:
    images = []
    for number in range(200):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "movie.nfo").write_text(f"<movie><title>{number}</title></movie>")
        images.append(str(place / "poster.jpg"))
    titles = FilmTitles()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(titles.of, images))

    assert found == [ImageText(str(number), None, "nfo") for number in range(200)]


def test_a_folder_is_listed_once_and_an_nfo_read_once(tmp_path: Path) -> None:
    images = [f"{tmp_path}/{number:02} - x (1990).jpg" for number in range(30)]
    described = poster(tmp_path, JELLYFIN)
    posters = [described.replace("poster", kind) for kind in ("folder", "poster", "poster2")]
    titles = FilmTitles()

    with looks() as seen:
        found = [titles.of(path) for path in sorted((*images, *posters))]

    assert list(map(str, found)) == ["names: x (1990)"] * 30 + ["nfo: Heat (1995)"] * 3
    folder = os.path.dirname(described)
    assert seen == [
        ("os.listdir", str(tmp_path)),
        ("os.listdir", folder),
        ("open", f"{folder}/movie.nfo"),
    ]
