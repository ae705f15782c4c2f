"""The page as HTML, and whether a file is one that nobody has edited."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from tagger.files.web_page import web_page

_PARTS = Path(__file__).with_name("page")
#: In the order in which they stand in the page.
_SCRIPTS = (
    "data", "rules", "store", "filter", "charts", "grid", "view", "why", "tune", "save", "main",
)  # fmt: skip
_FIRST = b"<!doctype html>\n"
_MARK = re.compile(rb"<!-- poster-tagger gallery 1, sha256 ([0-9a-f]{64}) -->\n")
_LONGEST_MARK = 200


def render(data: dict[str, Any]) -> bytes:
    """Return the page that shows ``data``, see ``page/data.js``.

    Its second line holds a digest of all that follows, so that an edited page can be told.
    """
    shown = f"{data['table']}: gallery" if data["part"] is None else (
        f"{data['table']}: gallery {data['part'] + 1} of {len(data['parts'])}"
    )  # fmt: skip
    body = _part("body.html").replace("@@DATA@@", _as_json(data))
    text = web_page(shown, _part("page.css"), body, _script(), has_files=True)
    text = text.removeprefix(_FIRST.decode())
    rest = text.encode("utf-8")
    digest = hashlib.sha256(rest).hexdigest().encode()
    return _FIRST + b"<!-- poster-tagger gallery 1, sha256 " + digest + b" -->\n" + rest


def is_ours(file: str) -> bool:
    """Return whether a file is a page of ours, as it was written.

    Raises:
        OSError: it cannot be read.
    """
    with open(file, "rb") as stream:
        if stream.readline(_LONGEST_MARK) != _FIRST:
            return False
        mark = _MARK.fullmatch(stream.readline(_LONGEST_MARK))
        if mark is None:
            return False
        rest = hashlib.sha256()
        while block := stream.read(1 << 20):
            rest.update(block)
        return rest.hexdigest().encode() == mark[1]


def _as_json(data: dict[str, Any]) -> str:
    """Return JSON that is no markup, whatever names it holds."""
    text = json.dumps(data, separators=(",", ":"))  # in ASCII
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _script() -> str:
    parts = [_part(f"{name}.js") for name in _SCRIPTS]
    return "\n'use strict';\n" + "\n".join(parts)


@cache
def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")
