"""The section of the report page on settings, data and software."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

# Setting → its name, if replacing underscores by spaces is not clear enough.
_NAMES = {
    "architecture": "network",
    "height": "input height, pixels",
    "width": "input width, pixels",
    "batch_size": "images per training step",
    "ema": "decay of the averaged weights",
    "probe": "last layer fitted first",
    "frozen_layers": "frozen up to layer",
    "training_scale": "side of the training images, as a share of the input's",
    "teachers": "teacher networks",
    "teacher_share": "teachers' share of the targets",
    "stop_after": "epochs trained",
    "epochs": "maximum epochs",
    "patience": "maximum epochs without improvement",
    "never": "labels never emitted",
    "name": "model",
    "images": "image folder",
    "table": "table of labels",
    "image_count": "images",
}
_UNSET = {
    "never": "N/A and similar",
    "id_column": "detected by name",
    "tags_column": "detected by name, if any",
    "frozen_layers": "none",
    "stop_after": "all",
    "target_precision": "none: thresholds for the highest F1",
}


def settings_section(description: Mapping[str, Any]) -> str:
    """Return settings, data, software and notices as HTML.

    Args:
        description: the content of ``run.json``.
    """
    data = {
        key: f"{len(value)}, see the table above" if key == "labels" else value
        for key, value in description.get("data", {}).items()
    }
    software = description.get("software", {})
    averaged = description.get("averaged", [])
    trainings = _list((str(number), file) for number, file in enumerate(averaged, 1))
    return (
        (f"<h3>Average of these trainings</h3>\n{trainings}\n" if averaged else "")
        + f"<h3>Settings{' of the first' if averaged else ''}</h3>\n"
        f"{_list(_settings(description.get('settings', {})))}\n"
        f"<h3>Data</h3>\n{_list((_name(key), _text(key, value)) for key, value in data.items())}\n"
        f"<h3>Skipped data</h3>\n{_notices(description.get('notices', []))}\n"
        f"<h3>Software</h3>\n{_list((key, str(value)) for key, value in software.items())}"
    )


def _settings(settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            changes = (f"{_name(part)} {_text(part, each)}" for part, each in value.items())
            yield _name(key), ", ".join(changes)
        else:
            yield _name(key), _text(key, value)


def _name(key: str) -> str:
    return _NAMES.get(key, key.replace("_", " "))


def _text(key: str, value: object) -> str:
    if value is None:
        return _UNSET.get(key, "not set")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _list(items: Iterable[tuple[str, str]]) -> str:
    lines = (f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in items)
    return "<dl>\n" + "\n".join(lines) + "\n</dl>"


def _notices(notices: Iterable[object]) -> str:
    lines = [f"<li>{escape(str(notice))}</li>" for notice in notices]
    return "<ul>\n" + "\n".join(lines) + "\n</ul>" if lines else "<p>Nothing.</p>"
