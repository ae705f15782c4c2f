"""The thumbnails of a gallery: in memory, or in files that are made once."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

from PIL import Image

from tagger.decode.budget import Attempt, ImageError, ImageLimits
from tagger.decode.facts import file_stamp
from tagger.decode.picture import Picture
from tagger.decode.thumbnail import QUALITY, Thumbnails, thumbnail_of
from tagger.errors import OutputError, os_reason, spoils_the_rest
from tagger.files.write import write_whole
from tagger.results import FileFacts, Pixels, Stamp
from tagger.text import printable

#: The largest width and height of a thumbnail, in pixels.
WIDTH, HEIGHT = 224, 336

#: The extension of their files.
ENDING = ".jpg"
_FILE = re.compile(rf"[0-9a-f]{{24}}{re.escape(ENDING)}")


@dataclass(frozen=True, slots=True)
class Small:
    """A small picture, or why there is none.

    Attributes:
        name: of its file, without the extension; empty if it lies in none.
        data: its bytes, JPEG; empty if it lies in a file.
        reason: why there is none, for a person.
    """

    name: str = ""
    data: bytes = b""
    reason: str = ""


@contextmanager
def small_pictures(
    files: Sequence[str], folder: str, *, embedded: bool, workers: int, limits: ImageLimits
) -> Iterator[Iterator[Small]]:
    """Provide the small pictures of images, in their order.

    Args:
        files: the images.
        folder: where their files are; one that is there is not made again unless its image has
            changed.
        embedded: whether they are wanted in memory; then no file is written.
        workers: number of threads.
        limits: what an image may cost.

    Raises:
        OutputError: by the iterator: a file cannot be written, and no other could.
    """
    with closing(Thumbnails(HEIGHT, WIDTH, limits, workers)) as maker:

        def make(file: str, attempt: Attempt) -> Small:
            try:
                return _small(maker, file, folder, attempt, embedded=embedded)
            except OSError as error:
                raise ImageError(os_reason(error)) from None

        made = maker.each(make, files)
        yield (Small(reason=one) if isinstance(one, str) else one for one in made)


def kept_in(folder: str) -> Callable[[str, Pixels, FileFacts], None]:
    """Return what keeps the thumbnail of an image, called with its path, pixels and facts.

    So an image that is tagged for a gallery is read once. What cannot be kept is made of the
    image's file later.
    """

    def keep(path: str, pixels: Pixels, facts: FileFacts) -> None:
        if facts.stamp is None or facts.width is None or facts.height is None:
            return
        place = os.path.join(folder, f"{_name(path, facts.stamp)}{ENDING}")
        if os.path.exists(place):
            return
        picture = Picture(Image.fromarray(pixels), facts.width, facts.height)
        with suppress(OSError):
            os.makedirs(folder, exist_ok=True)
            write_whole(place, thumbnail_of(picture, HEIGHT, WIDTH).jpeg, asked=True)

    return keep


def remove_thumbnails(folder: str, kept: Callable[[str], bool]) -> None:
    """Remove thumbnails whose names are not ``kept``, and folders that are empty then."""
    with suppress(OSError):
        is_empty = True
        with os.scandir(folder) as found:
            for one in found:
                if _FILE.fullmatch(one.name) and not kept(one.name.removesuffix(ENDING)):
                    os.unlink(one.path)
                else:
                    is_empty = False
        if is_empty:
            os.rmdir(folder)
            os.rmdir(os.path.dirname(folder))


def _small(maker: Thumbnails, file: str, folder: str, attempt: Attempt, *, embedded: bool) -> Small:
    stamp = file_stamp(file)
    if stamp is None:
        os.stat(file)  # says what is wrong
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), file)
    name = _name(file, stamp)
    place = os.path.join(folder, f"{name}{ENDING}")
    if embedded:
        try:
            with open(place, "rb") as kept:
                return Small(data=kept.read())
        except OSError:
            return Small(data=maker.thumbnail(file, attempt).jpeg)
    if not os.path.exists(place):
        _write(place, maker.thumbnail(file, attempt).jpeg)
    return Small(name)


def _write(place: str, data: bytes) -> None:
    try:
        write_whole(place, data, asked=True)
    except OSError as error:
        if spoils_the_rest(error) or isinstance(error, PermissionError | FileNotFoundError):
            raise OutputError(
                f"{printable(place)} cannot be written: {os_reason(error)}."
            ) from None
        raise


def _name(file: str, stamp: Stamp) -> str:
    """Return the name of an image's thumbnail: another one when the image's file has changed."""
    about = (os.path.abspath(file), stamp.size, stamp.modified_ns, WIDTH, HEIGHT, QUALITY)
    return hashlib.sha256(repr(about).encode("utf-8", "surrogateescape")).hexdigest()[:24]
