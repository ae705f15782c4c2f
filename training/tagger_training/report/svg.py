"""Matplotlib figures as SVG inside an HTML page, in the page's own colours and font."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree import ElementTree

import matplotlib
from matplotlib.figure import Figure

#: Colours to draw with → the page's custom property that replaces each. Blue and orange can be
#: distinguished with every kind of colour vision; shape or text always conveys the meaning too.
INK, MUTED, LINE, PAPER = "#1c2430", "#5b6675", "#dde1e7", "#fdfdfe"
MODEL, SECOND, FAINT, HEAT = "#2f6db5", "#c4621a", "#aab4c2", "#2f6db6"
_PROPERTIES = {
    INK: "--ink",
    MUTED: "--muted",
    LINE: "--line",
    PAPER: "--paper",
    MODEL: "--model",
    SECOND: "--second",
    FAINT: "--faint",
    HEAT: "--heat",
}

_STYLE = {
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.labelcolor": MUTED,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.h_pad": 2 / 72,
    "figure.constrained_layout.w_pad": 2 / 72,
    "figure.facecolor": "none",
    "font.size": 11,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",  # text stays text: searchable, copyable, and in the page's font
    "svg.hashsalt": "report",
    "text.color": INK,
    "text.parse_math": False,  # a label may contain dollar signs
    "xtick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.color": LINE,
    "ytick.labelcolor": MUTED,
}

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_TARGET = re.compile(r"url\(#([^)]+)\)")


def draw_svg(
    draw: Callable[[Any], None], key: str, width: float, height: float, description: str
) -> str:
    """Let ``draw`` fill a figure and return it as an ``<svg>`` element.

    The same drawing gives the same text, whatever matplotlib style is configured on the machine.

    Args:
        draw: takes an empty ``matplotlib.figure.Figure``.
        key: prefix of the element's ids; different for each figure on a page.
        width: in CSS pixels; the element scales to the width of its container.
        height: in CSS pixels.
        description: what the figure shows, for screen readers.
    """
    with matplotlib.rc_context(), warnings.catch_warnings():
        # The browser has fonts for characters that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        draw(figure)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return _inline(file.getvalue(), key, width, height, description)


def _inline(text: str, key: str, width: float, height: float, description: str) -> str:
    """Reduce an SVG file to what can be embedded in a page together with others."""
    root = ElementTree.fromstring(text)  # noqa: S314 (matplotlib wrote it just now)
    _drop(root, ("metadata", "style"))  # the file's style sheet would apply to the whole page
    used = _targets(root)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        attributes = dict(element.attrib)
        element.attrib.clear()
        for name, value in attributes.items():
            if name == _HREF:
                element.set("href", f"#{key}-{value[1:]}")
            elif name == "style":
                element.set("style", _restyled(value))
            elif name != "id":
                element.set(name, _TARGET.sub(rf"url(#{key}-\1)", " ".join(value.split())))
            elif value in used:
                element.set("id", f"{key}-{value}")
    root.attrib.clear()
    for name, value in {
        "viewBox": f"0 0 {width:g} {height:g}",
        "width": f"{width:g}",
        "height": f"{height:g}",
        "role": "img",
        "aria-label": description,
    }.items():
        root.set(name, value)
    written = ElementTree.tostring(root, encoding="unicode")
    return re.sub(r">\s+<", ">\n<", written)


def _drop(root: ElementTree.Element, names: Sequence[str]) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{_SVG}{name}" for name in names}:
                parent.remove(child)


def _targets(root: ElementTree.Element) -> set[str]:
    """Return the ids that are referenced."""
    used = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == _HREF:
                used.add(value[1:])
            else:
                used.update(_TARGET.findall(value))
    return used


def _restyled(style: str) -> str:
    """Use the page's colours instead of matplotlib's, and leave the font to the page."""
    kept = []
    for declaration in style.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font-family":
            continue
        if name == "font" and (size := re.search(r"[\d.]+px", value)):
            name, value = "font-size", size.group()
        elif value in _PROPERTIES:
            value = f"var({_PROPERTIES[value]})"
        if name:
            kept.append(f"{name}: {value}")
    return "; ".join(kept)
