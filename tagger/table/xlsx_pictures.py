"""The images of a sheet: a thumbnail in the cell of each path, and a link to the file."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from tagger.decode.thumbnail import Thumbnail, Thumbnails
from tagger.stores.paths import container_of
from tagger.table.plan import TablePlan
from tagger.text import is_url

#: Points: what a row with a thumbnail takes.
ROW_HEIGHT: Final = 90

#: Width of a thumbnail with its margins, in characters.
SHOWN_COLUMNS: Final = 12

#: A sheet with more pictures takes minutes to open, and each takes memory until the file is whole.
MOST_PICTURES: Final = 20_000

# Pixels. They are shown at three quarters of their size: sharp in print and on fine screens.
_BOX = (148, 100)
_SCALE = 0.75
_MARGIN = 4

# So many steps of nine pixels keep the path clear of its thumbnail.
_INDENT = 10

# What Excel takes as a link.
_LONGEST_LINK = 2_000

_MOVES_WITH_CELL = 1


class Pictures:
    """Adds thumbnails and links to a sheet of XlsxWriter.

    Args:
        book: the workbook.
        sheet: with the paths in its first column.
        plan: says where the images are, and whether thumbnails are wanted.
        beside: a folder for what is not written yet.

    Attributes:
        shown: whether there are thumbnails at all.
        path_format: of the cells with paths.
    """

    def __init__(self, book: Any, sheet: Any, plan: TablePlan, beside: str) -> None:
        self._sheet = sheet
        self._plan = plan
        self.shown = plan.thumbnails
        looks = {"valign": "vcenter", "text_wrap": True, "indent": _INDENT if self.shown else 0}
        self.path_format = book.add_format(looks)
        self._link_format = book.add_format({**looks, "font_color": "#0B57A4"})
        self._folder = os.path.dirname(os.path.abspath(str(plan.output))) if plan.is_file else None
        self._thumbnails = Thumbnails(*_BOX)
        self._store = os.path.join(beside, "thumbnails")
        self._ready: dict[str, Thumbnail] = {}
        self._count = self._bytes = self._linked = 0

    def prepare(self, paths: Sequence[object]) -> None:
        """Make the thumbnails of images, given as the table spells their paths."""
        self._ready.clear()
        if not self.shown:
            return
        texts = [str(path) for path in paths][: MOST_PICTURES - self._count]
        made = self._thumbnails.of(self._plan.place(text) for text in texts)
        for text, thumbnail in zip(texts, made, strict=True):
            if isinstance(thumbnail, Thumbnail):
                self._ready[text] = thumbnail

    def add(self, row: int, path: str) -> bool:
        """Put an image's thumbnail into a row; return whether there is one."""
        thumbnail = self._ready.get(path)
        if thumbnail is None:
            return False
        with open(self._store, "ab") as store:
            place = store.tell()
            store.write(thumbnail.jpeg)
        options = {
            "image_data": _Stored(self._store, place, len(thumbnail.jpeg)),
            "object_position": _MOVES_WITH_CELL,
            "x_offset": _MARGIN,
            "y_offset": _MARGIN,
            "x_scale": _SCALE,
            "y_scale": _SCALE,
            "decorative": True,  # the path beside it says what it shows
        }
        self._sheet.insert_image(row, 0, "thumbnail.jpg", options)
        self._count += 1
        self._bytes += len(thumbnail.jpeg)
        return True

    def link(self, row: int, path: str) -> bool:
        """Write a path as a link to its file; return whether that could be done.

        Links lead from the folder of the workbook, so that both can be moved together.
        """
        if self._folder is None or self._linked >= MOST_PICTURES:
            return False
        place = self._plan.place(path)
        if is_url(place) or container_of(place) is not None:  # not a file that a program opens
            return False
        try:
            way = os.path.relpath(os.path.abspath(place), self._folder)
        except ValueError:  # another drive of Windows
            return False
        target = quote(os.fsencode(way.replace(os.sep, "/")))
        if len(target) > _LONGEST_LINK:
            return False
        self._sheet.write_url(row, 0, f"external:./{target}", self._link_format, path)
        self._linked += 1
        return True

    def facts(self) -> list[tuple[str, object]]:
        """Return what a person may want to know: how many thumbnails, and what they take."""
        if not self.shown:
            return []
        return [("thumbnails", self._count), ("their size in MB", round(self._bytes / 1e6, 1))]

    def close(self) -> None:
        """End the threads."""
        self._thumbnails.close()


class _Stored(io.BytesIO):
    """Bytes that lie in a file until XlsxWriter asks for them, as it does of a BytesIO."""

    def __init__(self, file: str, place: int, size: int) -> None:
        super().__init__()
        self._where = (file, place, size)

    def getvalue(self) -> bytes:
        """Read them."""
        file, place, size = self._where
        with open(file, "rb") as stream:
            stream.seek(place)
            return stream.read(size)
