"""The options that affect results, as recorded in a manifest, by their command-line names."""

from __future__ import annotations

import os

from tagger.holders.plan import HolderPlan
from tagger.network.card import ModelCard
from tagger.rules import Rules
from tagger.runs.manifest import Option
from tagger.runs.texts import TextPlan
from tagger.table.formats import Format
from tagger.table.plan import TablePlan
from tagger.text import escape


def noted_options(
    rules: Rules, table: TablePlan, holders: HolderPlan, texts: TextPlan
) -> dict[str, Option]:
    """Return the options of a run.

    Those of a table only if it goes to a file, and those of texts only if the network is given any.
    """
    return {
        **(_of_table(table) if table.is_file else {}),
        **_of_rules(rules),
        **(_of_holders(holders) if holders.any else {}),
        **(_of_texts(texts) if texts.any else {}),
    }


def built_in_options(card: ModelCard) -> dict[str, Option]:
    """Return the values of options that a manifest of another version lacks."""
    return {
        **_of_table(TablePlan(format=Format.CSV)),
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
        least = f"{least}, if not below {rules.unsure:g}"
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
