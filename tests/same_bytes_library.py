"""The library that ``same_bytes.py`` works on: posters as people keep them, and what is in the way.

Everything follows from the images given, so that two libraries of the same images are the same.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from foreign_nfos import JELLYFIN, KODI, TABS
from foreign_sidecars import BY_HAND, DARKTABLE, DIGIKAM, LIGHTROOM
from PIL import Image

#: When every file of a library was last changed, in seconds since 1970.
WRITTEN = 1_600_000_000

#: A packet that another program has put into an image.
_PACKET = LIGHTROOM.encode()


def draw_library(posters: list[Path], folder: Path) -> None:
    """Lay out a library in ``folder``: folders, formats, films, hostile names, broken images."""
    for place, poster in enumerate(posters):
        _put(poster, place, folder)
    odd = folder / "odd"
    odd.mkdir(parents=True, exist_ok=True)
    first, second = posters[0], posters[-1]
    shutil.copy(first, odd / "same.jpg")
    _save(second, odd / "same.png")
    shutil.copy(first, odd / 'comma, "quoted".jpg')
    shutil.copy(second, odd / "=formula.jpg")
    shutil.copy(first, odd / "two\nlines.jpg")
    shutil.copy(first, os.fsdecode(os.fsencode(odd) + b"/not utf-8 \xff.jpg"))
    (odd / "cut.jpg").write_bytes(first.read_bytes()[:4000])
    (odd / "empty.png").write_bytes(b"")
    (odd / "text.jpg").write_text("no image\n")
    set_times(folder)


def _put(poster: Path, place: int, folder: Path) -> None:
    """Put a poster where its number says."""
    name = poster.stem
    match place % 8:
        case 0:
            film = folder / f"films/{name} (19{place % 90 + 10})"
            film.mkdir(parents=True)
            shutil.copy(poster, film / "poster.jpg")
            (film / "movie.nfo").write_text((KODI, JELLYFIN, TABS)[place // 8 % 3])
        case 1:
            _save(poster, folder / f"a/{name}.png")
        case 2:
            _save(poster, folder / f"a/{name}.webp")
        case 3:
            _save(poster, folder / f"b c/{name}.tif")
        case 4:
            _save(poster, folder / f"b c/{name} keywords.jpg", xmp=_PACKET)
        case 5:
            _save(poster, folder / f"b c/{name}.gif")
        case _:
            target = folder / f"é/{name}.2001.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(poster, target)


def _save(poster: Path, target: Path, **options: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(poster) as image:
        image.convert("RGB").save(target, **options)


def images_of(folder: Path) -> list[Path]:
    """Return the images of a library, sorted."""
    endings = (".jpg", ".png", ".webp", ".tif", ".gif")
    return sorted(
        (file for file in folder.rglob("*") if file.name.endswith(endings)), key=os.fsencode
    )


def add_foreign_sidecars(folder: Path) -> None:
    """Put sidecars of other programs and of people beside some images, by both ways of naming."""
    packets = (DARKTABLE, DIGIKAM, LIGHTROOM, BY_HAND)
    for place, image in enumerate(images_of(folder)):
        if place % 3 == 0:
            _beside(image, ".xmp").write_text(packets[place // 3 % 4])
        if place % 5 == 0:
            image.with_suffix(".xmp").write_text(packets[place // 5 % 4])
        if place % 4 == 1:
            _beside(image, ".txt").write_text("mine\n")
            _beside(image, ".json").write_text('{"mine": true}\n')
    set_times(folder)


def _beside(image: Path, ending: str) -> Path:
    return image.with_name(image.name + ending)


def set_times(folder: Path) -> None:
    """Give every file of a folder the same time of change."""
    for file in folder.rglob("*"):
        os.utime(file, (WRITTEN, WRITTEN))
