"""The page as HTML: one file that forbids every address but its own thumbnails."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

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
    style, script = _part("page.css"), _script()
    shown = f"{data['table']}: gallery" if data["part"] is None else (
        f"{data['table']}: gallery {data['part'] + 1} of {len(data['parts'])}"
    )  # fmt: skip
    values = {
        "TITLE": escape(shown),
        "STYLE_DIGEST": _digest(style),
        "SCRIPT_DIGEST": _digest(script),
        "STYLE": style,
        "DATA": _as_json(data),
        "SCRIPT": script,
    }
    text = re.sub(r"@@([A-Z_]+)@@", lambda found: values[found[1]], _part("page.html"))
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


def data_address(data: bytes) -> str:
    """Return a thumbnail as an address that holds it."""
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def _as_json(data: dict[str, Any]) -> str:
    """Return JSON that is no markup, whatever names it holds."""
    text = json.dumps(data, separators=(",", ":"))  # in ASCII
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _digest(text: str) -> str:
    """Return what a content security policy calls an inline script or style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode()}"


@cache
def _script() -> str:
    parts = [_part(f"{name}.js") for name in _SCRIPTS]
    return "\n'use strict';\n" + "\n".join(parts)


@cache
def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")
