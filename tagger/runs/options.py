"""The options that affect results, as recorded in a manifest, by their command-line names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tagger.holders.plan import HolderPlan
from tagger.network.card import ModelCard
from tagger.rules import Rules
from tagger.runs.manifest import SHARD, Option
from tagger.runs.texts import TextPlan
from tagger.table.formats import Format
from tagger.table.plan import TablePlan
from tagger.text import escape

if TYPE_CHECKING:
    from tagger.find.scan import Scan

_NO_THUMBNAILS = "--no-thumbnails"
_UNLESS = ", if not below "


def noted_options(
    rules: Rules, table: TablePlan, holders: HolderPlan, texts: TextPlan
) -> dict[str, Option]:
    """Return the options of a run.

    Those of a table only if it goes to a file, and those of texts only if the network is given any.
    """
    return {
        **(_of_table(table) if table.is_file else {}),
        **({} if table.thumbnails or table.format is not Format.XLSX else {_NO_THUMBNAILS: True}),
        **_of_rules(rules),
        **(_of_holders(holders) if holders.any else {}),
        **(_of_texts(texts) if texts.any else {}),
    }


def noted_shard(found: Scan | None) -> dict[str, Option]:
    """Return the part of the images that a run takes, if it does not take all."""
    shard = None if found is None else found.options.shard
    return {} if shard is None else {SHARD: str(shard)}


def facts_shown(card: ModelCard, rules: Rules, version: str) -> list[tuple[str, str]]:
    """Return what a table may tell a person of its run: names and values.

    It holds for every run with the same results, whenever and from whatever they come.
    """
    return facts_of(f"{card.name} {card.version}", _of_rules(rules), version)


def facts_of(model: str, options: Mapping[str, Any], version: str) -> list[tuple[str, str]]:
    """Return the same as :func:`facts_shown`, from the options of a run as noted."""
    reached = [value for value in options["--threshold"].values() if value <= 1] or [1.0]
    least, most = min(reached), max(reached)
    threshold = f"{least:g}" if least == most else f"{least:g} to {most:g}, by label"
    fewest, unless, unsure = str(options["--min-tags"]).partition(_UNLESS)
    unless = f", none below {unsure}" if unless else ""
    renamed = sorted(options["--rename"].items())
    facts = [
        ("model", model),
        ("threshold", threshold),
        ("tags of an image", f"{fewest} to {options['--max-tags']}{unless}"),
        ("ignored", ", ".join(options["--ignore"])),
        ("renamed", ", ".join(f"{name} = {new}" for name, new in renamed)),
        ("made by", f"poster-tagger {version}"),
    ]
    return [(name, value) for name, value in facts if value]


def built_in_options(card: ModelCard) -> dict[str, Option]:
    """Return the values of options that a manifest of another version lacks."""
    return {
        **_of_table(TablePlan(format=Format.CSV)),
        _NO_THUMBNAILS: False,
        SHARD: None,
        "--precision": None,
        **_of_rules(Rules.of_card(card)),
        **_of_holders(HolderPlan()),
    }


def _of_table(table: TablePlan) -> dict[str, Option]:
    return {
        "--format": str(table.format),
        "--layout": str(table.layout),
        "--excel": table.excel,
        "--columns": list(table.columns),
        "--absolute": table.absolute,
        "--relative-to": _absolute(table.relative_to),
    }


def _of_rules(rules: Rules) -> dict[str, Option]:
    least: Option = rules.min_tags
    if rules.unsure:
        least = f"{least}{_UNLESS}{rules.unsure:g}"
    return {
        # First, since it says more than the thresholds that follow from it.
        **({} if rules.precision is None else {"--precision": rules.precision}),
        "--threshold": dict(zip(rules.labels, rules.thresholds, strict=True)),
        "--min-tags": least,
        "--max-tags": rules.max_tags,
        "--ignore": sorted(rules.ignored),
        "--rename": dict(rules.renamed),
    }


def _of_holders(holders: HolderPlan) -> dict[str, Option]:
    return {
        "--sidecar": sorted(map(str, holders.kinds)),
        "--sidecar-name": "replace" if holders.replace_ending else "append",
        "--sidecar-dir": _absolute(holders.folder),
        "--existing": str(holders.existing),
        "--backup": holders.backup,
        "--xmp-root": list(holders.xmp_root or ()),
        "--embed": holders.embed,
        "--keep-time": holders.keep_time,
    }


def _of_texts(texts: TextPlan) -> dict[str, Option]:
    titles = None if texts.titles is None else str(texts.titles)
    return {"--text": str(texts.source), "--titles": titles}


def _absolute(folder: str | None) -> str | None:
    return None if folder is None else escape(os.path.abspath(folder))
