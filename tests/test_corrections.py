"""``tagger train --init``: a finished model learns from images that a person corrected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from commands import Ran
from onnx import helper
from PIL import Image
from tiny_model import SIDE, changed_card, write_graph

pytest.importorskip("sklearn", reason="the 'train' extra is not installed")

from tagger_export.graphs import constant
from tagger_training.head_correction import learn_correction

from tagger.network.model import TaggerModel, read_card

Run = Callable[..., Ran]

LABELS = ("warm", "green", "blue", "N/A")
CARD = changed_card(
    name="colours",
    labels=LABELS,
    scored=LABELS[:3],
    precision_thresholds={0.7: (0.6, 0.6, 0.6, None)},
    provenance={"data": "none", "validation": {"macro_ap": 0.9}},
)


def model_with_layer(file: Path, form: str = "Gemm") -> Path:
    """Write a model: mean colours → one layer → sigmoid; it takes red for green and so on."""
    turned = form == "turned Gemm"
    layer = [
        helper.make_node("Gemm", ["colours", "kernel", "bias"], ["logits"], transB=int(turned))
    ]
    if form == "MatMul and Add":
        layer = [
            helper.make_node("MatMul", ["colours", "kernel"], ["products"]),
            helper.make_node("Add", ["bias", "products"], ["logits"]),
        ]
    kernel = np.array([[0, 4, 0, 0], [4, 0, 0, 0], [0, 0, 4, 0]], dtype=np.float32)
    nodes = [
        helper.make_node("Cast", ["images"], ["samples"], to=onnx.TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["samples", "sides"], ["means"], keepdims=0),
        helper.make_node("Div", ["means", "divisor"], ["colours"]),
        *layer,
        helper.make_node("Sigmoid", ["logits"], ["scores"]),
    ]
    constants = {
        "sides": np.array([1, 2], dtype=np.int64),
        "divisor": np.array(255, dtype=np.float32),
        "kernel": kernel.T.copy() if turned else kernel,
        "bias": np.full(4, -2, dtype=np.float32),
    }
    return write_graph(file, nodes, constants, CARD)


def posters(folder: Path, count: int) -> list[tuple[str, str]]:
    """Draw posters of any colour; return names and true tags."""
    random = np.random.default_rng(3)
    (folder / "p").mkdir()
    found = []
    for number in range(count):
        colour = random.integers(0, 256, 3)
        Image.new("RGB", (SIDE, SIDE), tuple(map(int, colour))).save(folder / f"p/{number}.png")
        tags = [name for name, value in zip(LABELS, colour, strict=False) if value > 127]
        found.append((f"{number}.png", "|".join(tags)))
    return found


def table(folder: Path, rows: list[tuple[str, str]], name: str = "t.csv") -> str:
    lines = ["path,tags,error", *(f"{path},{tags}," for path, tags in rows)]
    (folder / name).write_text("\n".join(lines) + "\n")
    return name


@pytest.fixture
def correct(tagger: Run, folder: Path) -> Run:
    """Return a function that runs ``tagger train --init m.onnx --images p ARGUMENTS``."""

    def run(*arguments: str, init: str = "m.onnx") -> Ran:
        return tagger("train", "--init", init, "--images", "p", *arguments)

    return run


@pytest.mark.parametrize("form", ["Gemm", "turned Gemm", "MatMul and Add"])
def test_a_model_learns_what_was_corrected(correct: Run, folder: Path, form: str):
    model_with_layer(folder / "m.onnx", form)
    labels = table(folder, posters(folder, 120))

    ran = correct("--labels", labels, "-o", "new.onnx", "--name", "mine")

    assert ran.code == 0, ran.stderr
    assert ran.stdout.decode().startswith("new.onnx: on images that it has not learned from, ")
    before, after = (TaggerModel(folder / name, "cpu") for name in ("m.onnx", "new.onnx"))
    red = np.zeros((1, SIDE, SIDE, 3), dtype=np.uint8)
    red[..., 0] = 255
    assert before.scores(red)[0].argmax() == LABELS.index("green")
    assert after.scores(red)[0].argmax() == LABELS.index("warm")
    assert after.scores(red)[0, 0] > 0.8


def test_the_card_says_what_was_learned_and_promises_nothing_of_the_former(
    correct: Run, folder: Path
):
    model_with_layer(folder / "m.onnx")

    correct("--labels", table(folder, posters(folder, 120)), "-o", "new.onnx", "--name", "mine")

    card = read_card(folder / "new.onnx")
    learned = card.provenance["corrected"]
    assert (card.name, card.labels, card.thresholds) == ("mine", LABELS, CARD.thresholds)
    assert (card.precision_thresholds, "validation" in card.provenance) == ({}, False)
    assert (learned["of"], learned["images"]) == ("colours 1.2", 120)
    assert learned["macro_ap_after"] > learned["macro_ap_before"]
    assert learned["log_loss_after"] < learned["log_loss_before"]


def test_a_model_that_becomes_no_better_is_not_written(correct: Run, folder: Path):
    model_with_layer(folder / "m.onnx")
    rows = posters(folder, 60)
    random = np.random.default_rng(5)  # there is nothing to be learned from these
    rows = [(path, "|".join(name for name in LABELS[:3] if random.random() < 0.5))
            for path, _ in rows]  # fmt: skip
    # As sure of nothing as the labels are.
    proto = onnx.load(folder / "m.onnx")
    kernel = next(one for one in proto.graph.initializer if one.name == "kernel")
    kernel.CopyFrom(onnx.numpy_helper.from_array(np.zeros((3, 4), np.float32), "kernel"))
    bias = next(one for one in proto.graph.initializer if one.name == "bias")
    bias.CopyFrom(onnx.numpy_helper.from_array(np.array([0, 0, 0, -9], np.float32), "bias"))
    onnx.save(proto, folder / "m.onnx")

    ran = correct("--labels", table(folder, rows), "-o", "new.onnx")

    assert (ran.code, ran.stdout) == (3, b"")
    assert "The corrected model is no better on images that it has not learned from" in ran.stderr
    assert ran.stderr.rstrip().endswith("so none is written: correct more images.")
    assert not (folder / "new.onnx").exists()


def test_only_what_a_person_touched_is_learned_from(correct: Run, folder: Path):
    model_with_layer(folder / "m.onnx")
    rows = posters(folder, 120)
    lines = ["path,tags,error,corrected"]
    for number, (path, tags) in enumerate(rows):
        lines.append(f"{path},{tags},,checked" if number < 50 else f"{path},blue,,")
    (folder / "t.csv").write_text("\n".join(lines))

    ran = correct("--labels", "t.csv", "-o", "new.onnx")

    assert ran.code == 0, ran.stderr
    assert "50 corrected images." in ran.stderr
    assert read_card(folder / "new.onnx").provenance["corrected"]["images"] == 50


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("-o", "m.onnx"),
            2,
            ("m.onnx already exists: choose another output, so that the two can be compared."),
        ),
        (
            ("-o", "n.onnx", "--text-column", "x"),
            2,
            ("--text-column has no effect with --init: omit it."),
        ),
        (
            ("-o", "n.onnx"),
            3,
            ("12 corrected images are too few to learn from: correct at least 20."),
        ),
        (
            ("-o", "n.onnx", "--labels", "none.csv"),
            3,
            ("In none.csv no image is marked as corrected."),
        ),
    ],
)
def test_what_cannot_be_learned_is_said(
    correct: Run, folder: Path, arguments: tuple[str, ...], code: int, message: str
):
    model_with_layer(folder / "m.onnx")
    rows = posters(folder, 12)
    labels = table(folder, rows)
    (folder / "none.csv").write_text("path,tags,corrected\n0.png,blue,\n")

    ran = correct("--labels", labels, *arguments)

    assert (ran.code, ran.stdout) == (code, b"")
    assert ran.stderr.splitlines()[-1] == f"tagger: {message}"
    assert not (folder / "n.onnx").exists()


def test_a_model_without_such_a_layer_is_refused(correct: Run, folder: Path, tiny_model: Path):
    labels = table(
        folder, [(path, tags.replace("warm", "red")) for path, tags in posters(folder, 30)]
    )

    ran = correct("--labels", labels, "-o", "new.onnx", init=str(tiny_model))

    assert ran.code == 3
    assert not (folder / "new.onnx").exists()


def test_with_nothing_to_learn_nothing_changes():
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, (300, 4))
    targets = (random.random((300, 4)) < 1 / (1 + np.exp(-logits))).astype(np.uint8)
    features = random.normal(0, 1, (300, 40))

    learned = learn_correction(features, logits, targets)

    assert np.abs(1 / (1 + np.exp(-logits)) - learned.scores).mean() < 0.03


def test_a_label_that_no_image_has_can_still_be_given():
    random = np.random.default_rng(1)
    features = random.normal(0, 1, (60, 5))
    logits = np.hstack([features[:, :1], np.full((60, 1), 1.0)])
    targets = np.stack([features[:, 0] > 0, np.zeros(60)], axis=1).astype(np.uint8)

    learned = learn_correction(features, logits, targets)

    found = logits + features @ learned.kernel + learned.bias
    assert found[:, 1].mean() < 1.0
    assert found[:, 1].min() > -5


def test_the_learned_layer_is_that_of_the_held_out_scores_in_kind():
    random = np.random.default_rng(2)
    features = random.normal(3, [1, 5, 0.1], (400, 3))
    logits = np.zeros((400, 2))
    truth = (features - 3) / [1, 5, 0.1] @ np.array([[3.0, 0], [0, -3], [1, 1]])
    targets = (random.random((400, 2)) < 1 / (1 + np.exp(-truth))).astype(np.uint8)

    learned = learn_correction(features, logits, targets)

    fitted = 1 / (1 + np.exp(-(logits + features @ learned.kernel + learned.bias)))
    assert np.corrcoef(fitted.ravel(), learned.scores.ravel())[0, 1] > 0.98
    assert np.abs(learned.scores - 1 / (1 + np.exp(-truth))).mean() < 0.1


def test_constants_that_others_share_stay(correct: Run, folder: Path):
    model_with_layer(folder / "m.onnx")
    before = (folder / "m.onnx").read_bytes()

    correct("--labels", table(folder, posters(folder, 120)), "-o", "new.onnx")

    assert (folder / "m.onnx").read_bytes() == before
    graph = onnx.load(folder / "new.onnx").graph
    assert constant(graph, "kernel") is None
    assert constant(graph, "divisor") is not None
