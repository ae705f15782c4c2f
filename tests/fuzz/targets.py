"""What is fuzzed: each target takes any bytes, and raises only where something is wrong.

What a parser says of damage is expected; so is that what it took can be read again, and that what
was put in comes out. Any other exception is a finding, and so is a failed assertion.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from holding import (
    merge,
    merge_genres,
    take_genres_out,
    take_out,
    wish_for,
    with_tags,
    without_tags,
)
from tiny_model import CARD

from tagger.decode.budget import Attempt, ImageError, ImageLimits, Memory
from tagger.decode.picture import load_picture
from tagger.errors import CannotChange, ModelError, TaggerError
from tagger.find.library import is_poster
from tagger.find.titles import title_and_year
from tagger.holders.holder import LeftAlone
from tagger.holders.image.container import Reader
from tagger.holders.image.formats import read_container
from tagger.holders.posters import film_poster
from tagger.holders.xmp.names import TAGGER
from tagger.network.card import ModelCard
from tagger.network.model_file import UnsafeModelError, check_model_file
from tagger.rules import Rules
from tagger.table.corrections import read_corrections
from tagger.table.open import open_rows
from tagger.table.wide import WideTable
from tagger.text import escape, printable, unescape

_WISH = wish_for(("red", 0.5), ("Été & <b>", 0.4), root=("Genre",))
_GENRES = ("Drama", "War & <Peace>")

# Enough for any small image; what claims to be large is refused before it slows the search.
_LIMITS = ImageLimits(seconds=None, computing=10, memory=64 * 2**20)
_memory = Memory(_LIMITS.memory)

_folder = tempfile.TemporaryDirectory(prefix="fuzz-")


@contextmanager
def _file(data: bytes, name: str) -> Iterator[str]:
    path = os.path.join(_folder.name, name)
    with open(path, "wb") as file:
        file.write(data)
    yield path


def image(data: bytes) -> None:
    """A file that may be an image."""
    with (
        _file(data, "a.jpg") as path,
        contextlib.suppress(ImageError),
        warnings.catch_warnings(action="ignore"),
    ):
        picture = load_picture(path, 8, 8, Attempt(_LIMITS, _memory))
        assert picture.pixels.shape == (8, 8, 3)
        assert min(picture.width, picture.height) > 0


def embedding(data: bytes) -> None:
    """A file that may be an image into which tags are put, and taken out again."""
    with contextlib.suppress(CannotChange):
        former = read_container(Reader(io.BytesIO(data)), "a.tif")
        target = with_tags(former, _WISH)
        pieces = former.changed(target.metadata, was=target.was)
        tagged = b"".join(former.reader.blocks(pieces))
        new = read_container(Reader(io.BytesIO(tagged)), "a.tif")
        if new.metadata != target.metadata:
            return  # the file is looked at before it takes the old one's place, so it is refused
        if new.reader.digest(new.rest) != former.reader.digest(former.rest):
            return  # likewise
        again = with_tags(new, _WISH)
        assert again.metadata == new.metadata
        back = without_tags(new)
        if TAGGER.encode() not in data.replace(b"\0", b""):  # else some of it was ours
            assert back is not None
            pieces = new.changed(back.metadata, was=back.was)
            given_back = b"".join(new.reader.blocks(pieces))
            if "plain" in former.was and given_back[12:16] == b"VP8X":
                # A WebP with parts that no plain one has keeps the form that says so.
                left = read_container(Reader(io.BytesIO(given_back)), "a.tif")
                assert left.reader.digest(left.rest) == former.reader.digest(former.rest)
            else:
                assert given_back == data


def xmp(data: bytes) -> None:
    """An XMP sidecar."""
    with contextlib.suppress(CannotChange):
        take_out(data)
    with contextlib.suppress(CannotChange):
        merged = merge(data, _WISH)
        assert merge(merged, _WISH) is merged
        taken = take_out(merged)
        if taken is not None and taken.content is not None:
            assert take_out(taken.content) is None


def nfo(data: bytes) -> None:
    """A film's ``.nfo``."""
    with contextlib.suppress(CannotChange):
        take_genres_out(data)
    with contextlib.suppress(CannotChange, LeftAlone):
        merged = merge_genres(data, _GENRES)
        assert merge_genres(merged, _GENRES) is merged
        taken = take_genres_out(merged)
        assert taken is None or take_genres_out(taken.content or b"") is None


def card(data: bytes) -> None:
    """A model's card."""
    with contextlib.suppress(ModelError):
        found = ModelCard.from_json(data.decode("utf-8", "replace"))
        assert ModelCard.from_json(found.to_json()) == found
        Rules.of_card(found)


def model(data: bytes) -> None:
    """A model file, before any runtime sees it."""
    with _file(data, "m.onnx") as path, contextlib.suppress(UnsafeModelError):
        check_model_file(path)


def table(data: bytes) -> None:
    """A table that is tagged anew; the first byte says which ending it has."""
    with (
        _file(data[1:], _table_name(data)) as path,
        contextlib.suppress(TaggerError),
        open_rows(path) as rows,
    ):
        for result in WideTable(rows, CARD).results(Rules.of_card(CARD)):
            assert "\0" not in result.path


def _table_name(data: bytes) -> str:
    return ("t.csv", "t.tsv", "t.txt")[(data or b"\0")[0] // 86]


def edited_table(data: bytes) -> None:
    """A table that a person and a spreadsheet changed."""
    with (
        _file(data[1:], _table_name(data)) as path,
        contextlib.suppress(TaggerError),
        open_rows(path, edited=True) as rows,
    ):
        for row in read_corrections(rows, lambda path: None, os.path.abspath).rows:
            assert "\0" not in row.path
            assert all(tag.isprintable() for tag in row.tags)


def name(data: bytes) -> None:
    """A file's name."""
    path = os.fsdecode(data.replace(b"\0", b"")[:4096])  # no system has longer ones
    assert unescape(escape(path)) == path
    assert printable(path).isprintable()
    title, year = title_and_year(path)
    assert title is None or title == title.strip()
    assert year is None or 1870 <= year < 2100
    film_poster(path)
    is_poster(path)


#: Name → target. Those that read the same kind of file share a folder of the corpus.
TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (image, embedding, xmp, nfo, card, model, table, edited_table, name)
}

CORPUS_OF = {"embedding": "image", "edited_table": "table"}
