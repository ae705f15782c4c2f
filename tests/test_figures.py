"""Every number of README is one that was measured, or no figure at all."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from commands import TREE

from tagger.network.card import ModelCard
from tagger.network.model import read_card

README = (TREE / "README.md").read_text(encoding="utf-8")
MODELS = (TREE / "docs/models.md").read_text(encoding="utf-8")
FIGURES: dict[str, Any] = json.loads((TREE / "docs/figures.json").read_text(encoding="utf-8"))

WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
)  # fmt: skip

#: Numbers that say how good, large or quick nothing is: names, versions, codes, shapes.
NO_FIGURES = (
    r"Python 3\.11 (or newer|to 3\.13)", r"wheels for 3\.14", r"Debian 12", r"Ubuntu 24\.04",
    r"x86-64", r"CUDA 1[23]", r"JPEG 2000", r"UTF-8",
    r"Apache-2\.0", r"EfficientNet-Lite2", r"0/1", r"Lite[012]",
    r"exit code is 1\b", r"python3-venv",
    r"Exit codes: 0 all [a-z, ]+ 1 [a-z ]+, 2 [a-z ]+, 3 [a-z, ()]+ 70 [a-z ]+, 130 interrupted\.",
    r"Keras by 1e-4",
)  # fmt: skip


def prose(readme: str) -> str:
    """Return README's sentences and the comments of its commands, without code and links."""
    blocks = re.split(r"^```.*\n", readme, flags=re.MULTILINE)
    for place in range(1, len(blocks), 2):
        blocks[place] = "\n".join(re.findall(r"\s#\s(.*)", blocks[place]))
    text = re.sub(r"`[^`]*`", "`…`", "\n".join(blocks))
    text = re.sub(r"\]\([^)]*\)|<[^>]*>", "]", text)
    return " ".join(text.split())


def card_share(card: ModelCard, of: int, *given: str) -> int:
    """Return in how many of so many posters the first genre is right, by the model's card."""
    found: Any = card.provenance["validation"]
    if given:
        found = card.provenance["validation_with_text"][" ".join(given)]  # type: ignore[index]
    return round(found["top1"] * of)


def claims() -> list[str]:
    """Return what README says of figures, as it must be said by what was measured."""
    card = read_card(TREE / "tagger/models/poster-genres.onnx")
    tags, install = FIGURES["tags"], FIGURES["install"]
    openvino, training = FIGURES["openvino"], FIGURES["training"]
    picture, titled = tags["picture"], tags["title_and_year"]
    drama = max(card.provenance["label_frequencies"])  # type: ignore[type-var]
    kinds = (".jpg", ".png", ".gif", ".webp")
    samples = sum(file.suffix in kinds for file in (TREE / "samples").rglob("*"))
    minutes = {2.5: "two and a half minutes"}
    return [
        f"about {install['downloaded_mb']} MB are downloaded and {install['installed_mb']} MB",
        f"({install['cuda_gb']} GB)",
        f"the first one in {WORDS[card_share(card, 10)]} of ten posters",
        f"{WORDS[round(titled['right'] / titled['tags'] * 5)]} of five are",
        f"the first one in {WORDS[card_share(card, 4, 'ocr')]} of four",
        f"Of {tags['posters']:,} posters that the network has never seen, there are about",
        f"{picture['tags']:,} tags from the picture alone: {picture['right']:,} are right and",
        f"and {picture['tags'] - picture['right']:,} wrong ({shown(picture)} right",
        f"right, {picture['found']} % of the true genres found)",
        f"With title and year {titled['right']:,} of {titled['tags']:,} are right",
        f"correct for {card_share(card, 100)} % of the posters",
        f"for {card_share(card, 100, 'title, year and ocr')} % (always saying",
        f"would be correct for {round(drama * 100)} %)",
        f"about {round(tags['precision_right'] / 10)} in 10 are right, and half of",
        f"of tags shown at {tags['calibration_at']} %, about {tags['calibration_at']} % are right",
        f"scaled up from {card.provenance['validation_images']} posters",
        f"(by {openvino['mean_difference']} on average)",
        f"{WORDS[training['epochs']]} epochs of {minutes[training['minutes_per_epoch']]} each",
        f"each for {training['images']:,} images on two cores",
        f"tags the {WORDS[samples]} samples",
        "at which 80 % of a label's tags are correct",
    ]


def shown(what: dict[str, int]) -> str:
    return f"{what['right'] / what['tags']:.0%}".replace("%", " %")


def unexplained(readme: str, said: list[str]) -> list[str]:
    """Return what README lacks of the claims, and its numbers beside them."""
    text = prose(readme)
    lacking = [claim for claim in said if claim not in text]
    places = [match.span() for claim in said for match in re.finditer(re.escape(claim), text)]
    covered = {place for start, end in places for place in range(start, end)}
    text = "".join(" " if place in covered else sign for place, sign in enumerate(text))
    text = re.sub("|".join(NO_FIGURES), " ", text)
    return [*lacking, *re.findall(r"\S*\d\S*", text)]


def test_every_number_of_readme_was_measured() -> None:
    assert unexplained(README, claims()) == []


def test_another_number_is_noticed_wherever_it_stands() -> None:
    said = claims()
    for number in set(re.findall(r"\d+", " ".join(said))):
        other = README.replace(number, str(int(number) + 1))
        if prose(other) != prose(README):
            assert unexplained(other, said), number


def test_the_page_of_the_model_has_the_same_figures() -> None:
    tags = FIGURES["tags"]
    posters = read_card(TREE / "tagger/models/poster-genres.onnx").provenance["validation_images"]
    row = r"^\| [A-Z][\w-]+ \| \d+ \|" + r" (\d+) \| (?:(\d+) %|–) \| (?:\d+ %|–) \|" * 2
    genres = re.findall(row, MODELS, flags=re.MULTILINE)
    assert len(genres) == 24
    for first, what in ((0, tags["picture"]), (2, tags["title_and_year"])):
        given = sum(int(genre[first]) for genre in genres)
        right = sum(int(genre[first]) * int(genre[first + 1] or 0) / 100 for genre in genres)
        assert round(given / posters * 100) * 10 == what["tags"]
        assert right / posters * 1000 == pytest.approx(what["right"], rel=0.01)  # of whole per cent
    found = re.findall(r"^\| true genres that are tags \| ([\d.]+) %", MODELS, flags=re.MULTILINE)
    assert [round(float(share)) for share in found] == [tags["picture"]["found"]]
    by_precision = re.findall(
        r"\| right, from the picture \|.* (\d+) % \| \d+ % \|$", MODELS, re.MULTILINE
    )
    assert by_precision == [str(tags["precision_right"])]
