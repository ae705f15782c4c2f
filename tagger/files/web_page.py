"""Web pages of ours: each is one file, and forbids every address that it does not hold."""

from __future__ import annotations

import base64
import hashlib
from html import escape

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
{script}</body>
</html>
"""


def web_page(
    title: str,
    style: str,
    body: str,
    script: str = "",
    *,
    has_files: bool = False,
    has_styles: bool = False,
) -> str:
    """Return a page that loads nothing, whatever names are in it, and runs no script but its own.

    Args:
        title: plain text.
        style: CSS.
        body: HTML, in which text is escaped by :func:`html.escape`.
        script: JavaScript that runs at the page's end; without one, none runs.
        has_files: whether pictures may also come from files beside the page.
        has_styles: whether the body brings styles of its own, as charts do; else they are ignored.
    """
    allowed = {
        "default-src": "'none'",
        **({"script-src": _digest(script)} if script else {}),
        "style-src": "'unsafe-inline'" if has_styles else _digest(style),
        "img-src": "data: 'self'" if has_files else "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return _PAGE.format(
        policy="; ".join(f"{what} {which}" for what, which in allowed.items()),
        title=escape(title),
        style=style,
        body=body,
        script=f"<script>{script}</script>\n" if script else "",
    )


def jpeg_address(data: bytes) -> str:
    """Return a JPEG as an address that holds it, for pages."""
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode('ascii')}"


def _digest(text: str) -> str:
    """Return what a content security policy calls an inline script or style."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
