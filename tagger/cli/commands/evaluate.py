"""``tagger evaluate``: how good a model is on a labelled set."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Annotated, Any

from tagger.cli.options.groups import Only, Without
from tagger.cli.options.model import DecodeOptions, ModelArgument, ModelOptions
from tagger.cli.options.report import ConfigOptions, JsonOption, ReportOptions
from tagger.cli.options.training import LabelledSetOptions
from tagger.text import counted

if TYPE_CHECKING:
    from tagger_training.metrics import Evaluation

EXAMPLES = """\
tagger evaluate --images posters/ --labels test.csv
tagger evaluate my-model.onnx --images posters/ --labels test.csv --json > quality.json
"""

MOST_USED = (
    "--images", "--labels", "--device", "--json",
)  # fmt: skip

_FIGURES = (
    ("macro_ap", "macro-AP"),
    ("micro_ap", "micro-AP"),
    ("macro_roc_auc", "macro ROC-AUC"),
    ("log_loss", "log-loss (all labels)"),
    ("calibration_error", "calibration error (ECE)"),
    ("top1", "first label is correct"),
    ("micro_precision", "tags that are right"),
    ("micro_recall", "true labels that are tags"),
    ("untagged", "images without a tag"),
    ("micro_f1", "micro-F1 of the tags"),
    ("macro_f1", "macro-F1 of the tags"),
    ("sample_f1", "sample-F1 of the tags"),
)


def evaluate(
    model: ModelArgument = None,
    *,
    labelled_set: Annotated[LabelledSetOptions, Without("texts")],
    network: Annotated[ModelOptions, Only("device", "batch_size")],
    decoding: Annotated[DecodeOptions, Only("workers")],
    as_json: JsonOption = False,
    report: Annotated[ReportOptions, Without("summary")],
    config: ConfigOptions,
) -> int:
    """Measure a model on labelled images.

    Each metric is shown next to what label frequencies alone would score.
    """
    from tagger.cli.console import say, show, show_json
    from tagger.cli.faults import needs_extras
    from tagger.errors import UsageError
    from tagger.pipeline.pipeline import tag_images
    from tagger.rules import Rules

    with needs_extras("evaluate"):
        from tagger_training.evaluate import evaluate_results
        from tagger_training.labels import read_labelled_set
    opened = dataclasses.replace(network, model=model).open()
    text = labelled_set.text_source()
    if text is not None and opened.card.text is None:
        raise UsageError(
            f"--text-column needs a model that takes texts, and {opened.file} does not."
        )
    labelled = read_labelled_set(
        labelled_set.labels,
        labelled_set.images,
        labels=opened.card.labels,
        id_column=labelled_set.id_column,
        tags_column=labelled_set.tags_column,
        separator=labelled_set.separator,
        text=text,
    )
    files = [str(file) for file in labelled.files]
    texts = dict(zip(files, labelled.texts or (), strict=False))
    results = tag_images(
        files,
        opened,
        Rules.of_card(opened.card),
        workers=decoding.worker_count(),
        text_of=texts.get,
    )
    evaluation, labelled = evaluate_results(opened.card, labelled, results)
    if not report.quiet:
        for notice in labelled.notices:
            say(f"Note: {notice}.")
    if as_json:
        show_json(evaluation.to_dict())
    else:
        for line in _lines(evaluation):
            show(line)
    return 0


def _lines(evaluation: Evaluation) -> list[str]:
    scored = counted(evaluation.scored_labels, "label")
    lines = [
        f"{counted(evaluation.images, 'image')}; averages over {scored}",
        "",
        f"{'':<26}{'model':>8}  {'label frequencies':>17}",
    ]
    lines += [
        f"{name:<26}{_number(getattr(evaluation.model, key), 8, 4)}  "
        f"{_number(getattr(evaluation.baseline, key), 17, 4)}"
        for key, name in _FIGURES
    ]
    width = max(len(item.label) for item in evaluation.labels) + 2
    lines += [
        "",
        f"{'label':<{width}}  images     AP  frequency  ROC-AUC     F1  tags  right  found",
    ]
    lines += [
        f"{item.label + ('' if item.scored else ' *'):<{width}}  {item.positives:>6}"
        f"{_number(item.average_precision, 7)}{_number(item.baseline_average_precision, 11)}"
        f"{_number(item.roc_auc, 9)}{_number(item.f1, 7)}"
        f"{item.tags:>6}{_number(item.precision, 7)}{_number(item.recall, 7)}"
        for item in evaluation.labels
    ]
    if not all(item.scored for item in evaluation.labels):
        lines.append("* excluded from the averages: never a tag, or too rare to measure")
    return lines


def _number(value: Any, width: int, decimals: int = 3) -> str:
    return f"{'–' if math.isnan(value) else f'{value:.{decimals}f}':>{width}}"
