"""Write the man pages from the application itself: part of ``python docs/write_cli.py``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tagger.cli.help import Help

# No date: a page is rewritten when its command changes, and says nothing else anew.
_DATE = "-"


def man_page(words: tuple[str, ...], page: Help, others: list[str]) -> str:
    """Return a page in roff, for ``man``.

    Args:
        words: the command: ``("tagger", "tag")``.
        page: its help.
        others: the names of the other pages.
    """
    name = "-".join(words)
    return "\n".join((*_lines(name, words, page), *_see_also(others), ""))


def _lines(name: str, words: tuple[str, ...], page: Help) -> Iterator[str]:
    description = page.description.strip().split("\n\n")
    first = " ".join(description[0].split()).rstrip(".")
    yield f'.TH {name.upper()} 1 "{_DATE}" "poster-tagger" "User Commands"'
    yield from (".SH NAME", f"{_roff(name)} \\- {_roff(first[0].lower() + first[1:])}")
    usage = page.usage.removeprefix("Usage: ").removeprefix(" ".join(words)).strip()
    yield from (".SH SYNOPSIS", f".B {_roff(' '.join(words))}", _roff(" ".join(usage.split())))
    yield ".SH DESCRIPTION"
    for number, paragraph in enumerate(description):
        if number:
            yield ".PP"
        yield _roff(" ".join(paragraph.split()))
    if page.examples:
        yield from (".SH EXAMPLES", ".EX", *map(_roff, page.examples.strip().splitlines()), ".EE")
    for heading, rows in page.panels.items():
        if rows:
            yield f".SH {heading.upper()}"
        for option, meaning in rows:
            yield from (".TP", f".B {_roff(option)}", _roff(re.sub(r"\s+", " ", meaning)))
    if page.ending:
        yield from (".SH NOTES", _roff(" ".join(page.ending.split())))


def _see_also(others: list[str]) -> Iterator[str]:
    yield ".SH SEE ALSO"
    for other in others:
        yield f".BR {_roff(other)} (1){',' if other != others[-1] else ''}"


def _roff(text: str) -> str:
    """Spell text so that roff takes it as it stands."""
    text = text.replace("\\", "\\(rs").replace("-", "\\-").replace("'", "\\(aq")
    text = text.replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    text = text.replace("…", "...").replace("’", "\\(aq")
    return f"\\&{text}" if text.startswith((".", "\\(aq")) else text
