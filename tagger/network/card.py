"""The model card: a model's description of itself, as JSON in the ONNX metadata."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tagger.errors import ModelError
from tagger.text import TAG_SEPARATOR

#: The ONNX metadata key of the card.
METADATA_KEY = "tagger.card"

#: Incremented when a reader of the old format would misread the new one.
FORMAT_VERSION = 1

PRECISIONS = ("fp32", "fp16", "int8")
RESIZE_RULES = ("stretch",)
#: How words become numbers, see :mod:`tagger.network.ngrams`.
TEXT_RULES = ("ngrams-1", "ngrams-2")

#: Names of the table's own columns, which cannot be labels.
RESERVED_LABELS = frozenset({"path", "tags", "error"})

# Left out of the JSON where they are not used, as in cards of earlier versions.
_OPTIONAL = ("text", "precision_thresholds", "unsure")

# A card with larger values is damaged or hostile.
_MAX_LABELS = 100_000
_MAX_SIDE = 8192
_MAX_BUCKETS = 2**24
_MAX_LENGTH = 8192
_MAX_CHARACTERS = 16 * 1024 * 1024


@dataclass(frozen=True)
class TextInput:
    """The text that a network takes besides the picture.

    Attributes:
        rule: name of the rule that makes ids of words, see :mod:`tagger.network.ngrams`.
        buckets: number of different ids, from 1 on.
        length: number of ids per image; those that a short text lacks are 0.
        year: whether it takes a year, too.
    """

    rule: str
    buckets: int
    length: int
    year: bool


@dataclass(frozen=True)
class ModelCard:
    """Everything that tagging needs to know in addition to the graph.

    Attributes:
        name: for sidecars and reports.
        labels: one name per output, in the order of the network's outputs.
        height: rows of the input, in pixels.
        width: columns of the input, in pixels.
        thresholds: probability from which a label becomes a tag, one per label.
        min_tags: an image gets at least this many tags, even if improbable.
        max_tags: an image gets at most this many tags.
        never: labels that are scored but never emitted as tags (such as ``N/A``).
        scored: labels that metrics average over; the others are too rare to measure.
        precision: number format of the graph: ``fp32``, ``fp16`` or ``int8``.
        resize: name of the resize rule, see :mod:`tagger.decode.picture`.
        text: the text that it takes besides the picture; None if it takes none.
        provenance: data, date, software and validation metrics, for people.
        precision_thresholds: share of right tags → one threshold per label with which its tags
            reach it, None for a label that cannot.
        unsure: probability below which a label is not used to reach ``min_tags``: an image whose
            labels all stay below it gets no tag.
    """

    name: str
    version: str
    labels: tuple[str, ...]
    height: int
    width: int
    thresholds: tuple[float, ...]
    min_tags: int = 1
    max_tags: int = 3
    never: tuple[str, ...] = ()
    scored: tuple[str, ...] = ()
    precision: str = "fp32"
    resize: str = "stretch"
    text: TextInput | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    precision_thresholds: Mapping[float, tuple[float | None, ...]] = field(default_factory=dict)
    unsure: float = 0.0

    def __post_init__(self) -> None:
        """Reject an invalid card.

        Raises:
            ModelError: names the field and what is wrong with it.
        """
        checks = (
            _name_problem,
            _label_list_problem,
            _number_problem,
            _threshold_problem,
            _text_input_problem,
        )
        if problem := next((text for check in checks if (text := check(self))), None):
            raise ModelError(f"The model card is not usable: {problem}.")

    def to_json(self) -> str:
        """Return the card as JSON text, keys in a fixed order; what is not used is left out."""
        fields = dataclasses.asdict(self)
        for key in _OPTIONAL:
            if not fields[key]:
                del fields[key]
        return json.dumps({"format": FORMAT_VERSION, **fields}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ModelCard:
        """Read a card; keys of later minor additions are ignored.

        Raises:
            ModelError: the text is not a card, or a card of a newer format.
        """
        if len(text) > _MAX_CHARACTERS:
            raise ModelError("The model card is not usable: it is larger than 16 MB.")
        try:
            data = json.loads(text)
            version = data.pop("format")
            if version != FORMAT_VERSION:
                raise ModelError(
                    f"The model card has format {version}, but this version reads format "
                    f"{FORMAT_VERSION}: update poster-tagger."
                )
            values = _fields_of(cls, data)
            if values.get("text") is not None:
                values["text"] = TextInput(**_fields_of(TextInput, values["text"]))
            for key in ("labels", "thresholds", "never", "scored"):
                if not isinstance(values.get(key, []), list):
                    raise TypeError(key)
                values[key] = tuple(values.get(key, ()))
            table = values.get("precision_thresholds", {})
            values["precision_thresholds"] = {
                float(share): tuple(thresholds) for share, thresholds in table.items()
            }
            return cls(**values)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            raise ModelError("The model card is damaged: it is not valid JSON.") from None


def _fields_of(kind: type[ModelCard] | type[TextInput], data: dict[str, Any]) -> dict[str, Any]:
    known = {item.name for item in dataclasses.fields(kind)}
    return {key: value for key, value in data.items() if key in known}


def label_problem(label: object) -> str | None:
    """Return why a text cannot be the name of a label, or None if it can."""
    if not isinstance(label, str) or not label.strip():
        return "a label is empty"
    if label != label.strip() or not label.isprintable():
        return f"the label {label!r} begins or ends with a space or has unprintable characters"
    if TAG_SEPARATOR in label:
        return f"the label {label!r} contains '{TAG_SEPARATOR}', which separates tags"
    if label in RESERVED_LABELS:
        return f"the label {label!r} is the name of a column of the table"
    return None


def _name_problem(card: ModelCard) -> str | None:
    for key in ("name", "version"):
        value = getattr(card, key)
        if not isinstance(value, str) or not value.isprintable():
            return f"its {key} is not printable text"
    if card.precision not in PRECISIONS:
        return f"its precision {card.precision!r} is not one of {', '.join(PRECISIONS)}"
    if card.resize not in RESIZE_RULES:
        return f"its resize rule {card.resize!r} is unknown"
    if not isinstance(card.provenance, Mapping):
        return "its provenance is not a table"
    return None


def _label_list_problem(card: ModelCard) -> str | None:
    if not 1 <= len(card.labels) <= _MAX_LABELS:
        return f"it has {len(card.labels)} labels"
    if problem := next((text for label in card.labels if (text := label_problem(label))), None):
        return problem
    if len(set(card.labels)) != len(card.labels):
        return "two labels have the same name"
    known = set(card.labels)
    for key in ("never", "scored"):
        named = getattr(card, key)
        unknown = [label for label in named if not isinstance(label, str) or label not in known]
        if unknown:
            return f"'{key}' names {unknown[0]!r}, which is not a label"
    return None


def _number_problem(card: ModelCard) -> str | None:
    for key in ("height", "width"):
        value = getattr(card, key)
        if not _is_whole(value) or not 1 <= value <= _MAX_SIDE:
            return f"its input {key} {value!r} is not between 1 and {_MAX_SIDE}"
    if not _is_whole(card.min_tags) or not _is_whole(card.max_tags):
        return "its numbers of tags are not whole numbers"
    if not 0 <= card.min_tags <= card.max_tags:
        return f"it asks for at least {card.min_tags} and at most {card.max_tags} tags"
    return None


def _text_input_problem(card: ModelCard) -> str | None:
    text = card.text
    if text is None:
        return None
    if text.rule not in TEXT_RULES:
        return f"its text rule {text.rule!r} is unknown"
    for key, most in (("buckets", _MAX_BUCKETS), ("length", _MAX_LENGTH)):
        value = getattr(text, key)
        if not _is_whole(value) or not 1 <= value <= most:
            return f"its text {key} {value!r} is not between 1 and {most}"
    if not isinstance(text.year, bool):
        return f"its text year {text.year!r} is neither true nor false"
    return None


def _threshold_problem(card: ModelCard) -> str | None:
    rows = {"": card.thresholds} | {
        f" of precision {share}": row for share, row in card.precision_thresholds.items()
    }
    for what, row in rows.items():
        if len(row) != len(card.labels):
            return f"it has {len(row)} thresholds{what} for {len(card.labels)} labels"
        for value in row:
            if not _is_share(value) and not (what and value is None):
                return f"its threshold {value!r}{what} is not between 0 and 1"
    if not all(0 < share < 1 for share in card.precision_thresholds):
        return "its thresholds are of a precision that is not between 0 and 1"
    if not _is_share(card.unsure):
        return f"its 'unsure' {card.unsure!r} is not between 0 and 1"
    return None


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
