"""What the content security policies of our pages must be."""

from __future__ import annotations

import base64
import hashlib
import re


def closed_policy(page: str, *, has_files: bool = False, has_styles: bool = False) -> str:
    """Return the policy that allows a page's own style and scripts, pictures in it, and no more."""
    head, _, _ = page.partition("</head>")
    (style,) = re.findall(r"<style>(.*?)</style>", head, re.DOTALL)
    scripts = "".join(
        f"script-src {_digest(script)}; "
        for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    )
    styles = "'unsafe-inline'" if has_styles else _digest(style)
    pictures = "data: 'self'" if has_files else "data:"
    return (
        f"default-src 'none'; {scripts}style-src {styles}; img-src {pictures}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
