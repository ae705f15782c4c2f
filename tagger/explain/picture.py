"""Explanations as pictures: what speaks for a label in its colours, the rest darkened."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tagger.explain.occlusion import Explanation
from tagger.files.web_page import jpeg_address, web_page
from tagger.results import Pixels

# Brightness of what does not speak for the label at all.
_DARK = 0.25
# Brightness is averaged over this share of the longer side of the model's input.
_SOFTENED = 1 / 14
_MARK = (255, 176, 32)
_LINE = 3

_GAP = 16
_LETTERS = 17
_LINES = 3
_PAPER, _INK, _MUTED = (255, 255, 255), (28, 36, 48), (91, 102, 117)

_STYLE = """
:root { color-scheme: light dark; }
body {
  margin: 0 auto; padding: 2rem 1.25rem; max-width: 76rem; font: 16px/1.5 system-ui, sans-serif;
}
h1 { font-size: 1.3rem; overflow-wrap: anywhere; }
main { display: flex; flex-wrap: wrap; gap: 1.5rem; }
figure { margin: 0; width: min(17rem, 100%); }
img { display: block; width: 100%; border-radius: 4px; }
figcaption { margin-top: .5rem; overflow-wrap: anywhere; }
figcaption b { font-size: 1.1rem; }
p { opacity: .75; max-width: 46rem; }
"""
_BODY = """<h1>{title}</h1>
<main>
{figures}
</main>
<p>What speaks for a tag is bright; the frame marks the part that speaks for it most. Each part
was covered in turn (occlusion, Zeiler and Fergus 2014): where the probability falls, the part
speaks for the tag.</p>"""


def sentence(explanation: Explanation) -> str:
    """Say what speaks for a label, in one line."""
    one = explanation
    if one.is_decided:
        why = f"mostly the {one.part}; without it {one.without:.0%}"
    else:
        why = f"no single part decides; without the {one.part} {one.without:.0%}"
    return why if one.without_text is None else f"{why}; without its text {one.without_text:.0%}"


def lit(picture: Pixels, explanation: Explanation) -> Image.Image:
    """Return a picture, of any size, in which the parts are as bright as they speak for a label."""
    heat = np.clip(explanation.heat, 0, None)
    share = heat / heat.max() if heat.max() > 0 else heat
    image = Image.fromarray(picture)
    # Squares have edges, and what they stand for has none.
    mask = Image.fromarray((share * 255).astype(np.uint8))
    block = max(1, round(max(mask.size) * _SOFTENED))
    small = (max(1, mask.width // block), max(1, mask.height // block))
    mask = mask.resize(small, Image.Resampling.BOX).resize(image.size, Image.Resampling.BICUBIC)
    brightness = _DARK + (1 - _DARK) * np.asarray(mask, dtype=np.float32)[..., np.newaxis] / 255
    image = Image.fromarray((picture * brightness).round().astype(np.uint8))
    part = explanation.part
    box = (
        part.left * (image.width - 1),
        part.top * (image.height - 1),
        part.right * (image.width - 1),
        part.bottom * (image.height - 1),
    )
    ImageDraw.Draw(image).rectangle(box, outline=_MARK, width=_LINE)
    return image


def as_png(picture: Pixels, explanations: Sequence[Explanation]) -> bytes:
    """Return one picture: the image, and beside it what speaks for each label."""
    images = [Image.fromarray(picture), *(lit(picture, one) for one in explanations)]
    width, height = images[0].size
    below = _GAP // 2 + (_LINES + 1) * (_LETTERS + 5)
    size = (_GAP + len(images) * (width + _GAP), height + 2 * _GAP + below)
    page = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(page)
    large, small = (ImageFont.load_default(letters) for letters in (_LETTERS + 3, _LETTERS))
    for place, image in enumerate(images):
        left, top = _GAP + place * (width + _GAP), _GAP
        page.paste(image, (left, top))
        if place:
            one = explanations[place - 1]
            line = top + height + _GAP // 2
            draw.text((left, line), f"{one.label} {one.score:.0%}", _INK, large)
            words = _wrapped(sentence(one), small, width)[:_LINES]
            draw.text((left, line + _LETTERS + 8), "\n".join(words), _MUTED, small)
    data = io.BytesIO()
    page.save(data, "PNG")
    return data.getvalue()


def as_html(picture: Pixels, explanations: Sequence[Explanation], title: str) -> bytes:
    """Return a page that loads nothing: the image, and beside it what speaks for each label."""
    figures = [f'<figure><img alt="the image" src="{_source(Image.fromarray(picture))}"></figure>']
    figures += [
        f'<figure><img alt="what speaks for {escape(one.label)}" '
        f'src="{_source(lit(picture, one))}">'
        f"<figcaption><b>{escape(one.label)} {one.score:.0%}</b><br>{escape(sentence(one))}"
        "</figcaption></figure>"
        for one in explanations
    ]
    body = _BODY.format(title=escape(title), figures="\n".join(figures))
    return web_page(title, _STYLE, body).encode("utf-8", "replace")


def _source(image: Image.Image) -> str:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=85)
    return jpeg_address(data.getvalue())


def _wrapped(
    text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
