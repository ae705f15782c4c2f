"""A run becomes one .onnx file that scores as Keras does, or no file at all."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Ran
from shapes import LABELS, Made, ShapeSet

from tagger.decode.picture import load_rgb
from tagger.errors import DataError, ModelError
from tagger.network.card import METADATA_KEY, ModelCard
from tagger.network.model import TaggerModel
from tagger.results import Pixels

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

pytest_plugins = ("training_fixtures",)
pytestmark = [
    pytest.mark.train,
    # Keras 3.15 with NumPy 2; nothing here can help it.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

Tagger = Callable[..., Ran]


@pytest.fixture(scope="module")
def keras_model(shape_run: Made) -> Any:
    """Return the run's Keras model."""
    import keras

    return keras.models.load_model(shape_run.path / "model.keras", safe_mode=True)


@pytest.fixture(scope="module")
def pixels(shapes: ShapeSet) -> Pixels:
    """Return eleven images at the network's size."""
    files = [next(shapes.images.glob(f"{name}.*")) for name in list(shapes.labels)[:11]]
    return np.stack([load_rgb(file, 64, 64) for file in files])


@pytest.fixture
def run(shape_run: Made, folder: Path) -> Path:
    """Return a copy of the finished run, named ``run`` in the current folder."""
    return shutil.copytree(shape_run.path, folder / "run")


# The file


def test_it_says_what_was_written_and_how_well_it_agrees(shape_model: Made):
    size = shape_model.path.stat().st_size / 1e6
    said = re.fullmatch(
        rf"{re.escape(str(shape_model.path))}: {size:.1f} MB; largest difference from Keras on "
        r"23 images (\d\.\de[+-]\d\d)\n",
        shape_model.ran.stdout.decode(),
    )
    assert said
    assert float(said[1]) < 1e-4
    assert shape_model.ran.stderr == ""


def test_the_graph_is_valid_and_says_what_goes_in_and_out(shape_model: Made):
    import onnx

    proto = onnx.load(shape_model.path)
    onnx.checker.check_model(proto, full_check=True)
    ends = [
        (
            end.name,
            onnx.TensorProto.DataType.Name(end.type.tensor_type.elem_type),
            [dim.dim_param or dim.dim_value for dim in end.type.tensor_type.shape.dim],
        )
        for end in (*proto.graph.input, *proto.graph.output)
    ]
    assert ends == [("images", "UINT8", ["batch", 64, 64, 3]), ("scores", "FLOAT", ["batch", 6])]


def test_the_card_travels_inside(shape_run: Made, shape_model: Made):
    import onnx

    metadata = {item.key: item.value for item in onnx.load(shape_model.path).metadata_props}
    assert list(metadata) == [METADATA_KEY]
    card = ModelCard.from_json(metadata[METADATA_KEY])
    assert card == ModelCard.from_json((shape_run.path / "card.json").read_text(encoding="utf-8"))
    assert card.labels == LABELS


@pytest.mark.parametrize("batch_size", [1, 5])
def test_scores_are_those_of_keras(
    shape_model: Made, keras_model: Any, pixels: Pixels, batch_size: int
):
    opened = TaggerModel(shape_model.path, "cpu", batch_size=batch_size)
    starts = range(0, len(pixels), batch_size)
    scores = np.concatenate([opened.scores(pixels[i : i + batch_size]) for i in starts])
    expected = keras_model.predict_on_batch(pixels)
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    assert np.ptp(expected, axis=0).max() > 0.01  # the images do not all score the same


# Corrections of a run


def test_a_run_learns_from_corrections_as_its_file_does(
    tagger: Tagger, shape_model: Made, run: Path, shapes: ShapeSet, pixels: Pixels
):
    table = shapes.table.read_text(encoding="utf-8")
    Path("other.csv").write_text(table.replace("red,green", "green,red", 1), encoding="utf-8")
    before = {file: file.read_bytes() for file in run.iterdir()}

    for init, output in ((run, "of-run.onnx"), (shape_model.path, "of-file.onnx")):
        ran = tagger(
            "train", "--init", init, "--images", shapes.images, "--labels", "other.csv",
            "-o", output,
        )  # fmt: skip
        assert ran.code == 0, ran.stderr
        figures = re.match(
            rb"of-\w+\.onnx: on images that it has not learned from, "
            rb"macro-AP (\S+) \((\S+) before\)",
            ran.stdout,
        )
        assert figures
        assert float(figures[1]) > float(figures[2])

    # Names in a graph depend on what else the process has made.
    of_run, of_file = (TaggerModel(Path(f"of-{one}.onnx"), "cpu") for one in ("run", "file"))
    assert of_run.card == of_file.card
    assert of_run.scores(pixels).tolist() == of_file.scores(pixels).tolist()
    assert {file: file.read_bytes() for file in run.iterdir()} == before


def test_a_folder_that_is_no_run_is_not_corrected(tagger: Tagger, folder: Path, shapes: ShapeSet):
    ran = tagger(
        "train", "--init", ".", "--images", shapes.images, "--labels", shapes.table,
        "-o", "new.onnx",
    )  # fmt: skip
    assert (ran.code, ran.stdout, ran.stderr) == (
        3,
        b"",
        "tagger: . is not a finished run: card.json is missing.\n",
    )


# What is not exported


def test_a_file_that_scores_otherwise_is_refused(
    shape_model: Made, keras_model: Any, pixels: Pixels
):
    from tagger_export.parity import check_parity

    with pytest.raises(ModelError) as refused:
        check_parity(other_model(keras_model), shape_model.path, pixels)
    assert re.fullmatch(
        r"The exported file was not written: its scores differ from the Keras model's by 0\.\d+ on "
        r"11 images, more than 1e-04\.",
        str(refused.value),
    )


def other_model(model: Any) -> Any:
    """Return a copy whose last layer has other weights."""
    import keras

    copy = keras.models.clone_model(model)
    *rest, bias = model.get_weights()
    copy.set_weights([*rest, bias + 0.5])
    return copy


@pytest.mark.parametrize("existing", [None, b"the model of last week"])
def test_a_conversion_that_went_wrong_leaves_everything_as_it_was(
    tagger: Tagger,
    run: Path,
    keras_model: Any,
    monkeypatch: pytest.MonkeyPatch,
    existing: bytes | None,
):
    from tagger_export import convert, export

    # A converter that takes the graph of one network and the weights of another.
    monkeypatch.setattr(
        export, "to_onnx", lambda model, card: convert.to_onnx(other_model(model), card)
    )
    output = run.parent / "model.onnx"
    if existing:
        output.write_bytes(existing)
    ran = tagger("export", "run", "-o", "model.onnx")
    assert (ran.code, ran.stdout) == (3, b"")
    assert re.fullmatch(
        r"tagger: The exported file was not written: its scores differ from the Keras model's by "
        r"0\.\d+ on 23 images, more than 1e-04\.\n",
        ran.stderr,
    )
    assert (output.read_bytes() if output.exists() else None) == existing
    assert {file.name for file in run.parent.iterdir()} - {"model.onnx"} == {"run"}


def test_a_card_that_does_not_fit_the_network_is_refused(keras_model: Any, shape_run: Made):
    import dataclasses

    from tagger_export.convert import to_onnx

    card = ModelCard.from_json((shape_run.path / "card.json").read_text(encoding="utf-8"))
    with pytest.raises(ModelError) as refused:
        to_onnx(keras_model, dataclasses.replace(card, height=96))
    assert str(refused.value) == (
        "The model maps (None, 64, 64, 3) to (None, 6), but its card specifies (None, 96, 64, 3) "
        "to (None, 6)."
    )


@pytest.mark.parametrize("name", ["card.json", "model.keras", "run.json", "split.csv"])
def test_a_run_that_is_not_finished_is_refused(tagger: Tagger, run: Path, name: str):
    (run / name).unlink()
    ran = tagger("export", "run", "-o", "model.onnx")
    assert (ran.code, ran.stdout, ran.stderr) == (
        3,
        b"",
        f"tagger: run is not a finished run: {name} is missing.\n",
    )
    assert not (run.parent / "model.onnx").exists()


def test_code_inside_a_model_does_not_run(tagger: Tagger, run: Path):
    import keras

    mark = run.parent / "code-was-run"  # which is in the current folder
    layers = [
        keras.Input((64, 64, 3), dtype="uint8"),
        keras.layers.Lambda(lambda x: (open("code-was-run", "w").close(), x)[1]),
        keras.layers.Flatten(),
        keras.layers.Dense(6),
    ]
    keras.Sequential(layers).save(run / "model.keras")
    mark.unlink()  # building the network ran it
    ran = tagger("export", "run", "-o", "model.onnx")
    assert (ran.code, ran.stdout) == (3, b"")
    assert re.fullmatch(  # the reason is in Keras's words
        r"tagger: run/model\.keras cannot be loaded: .*Lambda.*[^.]\.\n", ran.stderr
    )
    assert not mark.exists()
    assert not (run.parent / "model.onnx").exists()


def test_a_damaged_model_is_refused(tagger: Tagger, run: Path):
    (run / "model.keras").write_bytes(b"no zip")
    ran = tagger("export", "run", "-o", "model.onnx")
    assert (ran.code, ran.stdout) == (3, b"")
    assert re.fullmatch(r"tagger: run/model\.keras cannot be loaded: .+[^.]\.\n", ran.stderr)
    assert not (run.parent / "model.onnx").exists()


# Where it goes, and what it is compared on


def test_a_missing_output_folder_is_named(tagger: Tagger, run: Path):
    ran = tagger("export", "run", "-o", "new/model.onnx")
    assert (ran.code, ran.stdout, ran.stderr) == (
        3,
        b"",
        f"tagger: new/model.onnx cannot be written: there is no folder {run.parent / 'new'}.\n",
    )


@pytest.mark.parametrize("output", ["run", "."])
def test_an_output_that_is_a_folder_is_refused(tagger: Tagger, run: Path, output: str):
    ran = tagger("export", "run", "-o", output)
    assert (ran.code, ran.stderr) == (
        3,
        f"tagger: {output} cannot be written: it is a folder.\n",
    )


def test_a_run_whose_images_are_gone_asks_for_others(tagger: Tagger, run: Path):
    settings = run / "run.json"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(re.sub(r'"images": "[^"]*"', '"images": "/gone"', text))
    ran = tagger("export", "run", "-o", "model.onnx")
    assert (ran.code, ran.stderr) == (
        3,
        "tagger: No readable image to compare the export on: pass --images DIR.\n",
    )


def test_other_images_can_be_taken_to_compare_on(tagger: Tagger, run: Path, shapes: ShapeSet):
    ran = tagger("export", "run", "-o", "model.onnx", "--images", shapes.images / "more")
    assert ran.code == 0, ran.stderr
    assert b"largest difference from Keras on 22 images" in ran.stdout
    assert (
        ModelCard.from_json((run / "card.json").read_text())
        == TaggerModel(Path("model.onnx"), "cpu").card
    )


def test_unreadable_images_are_passed_over(shapes: ShapeSet):
    from tagger_export.parity import sample_images

    readable = next(shapes.images.glob("00.*"))
    assert sample_images([shapes.damaged, readable], 8, 8).shape == (1, 8, 8, 3)
    with pytest.raises(DataError, match="No readable image"):
        sample_images([shapes.damaged], 8, 8)
