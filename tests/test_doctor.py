"""``tagger doctor``: what works here, down to a tagged sample."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from commands import Ran
from shapes import Made

from tagger import __version__
from tagger.decode.pillow import FORMATS
from tagger.network.devices import available_cores
from tagger.network.model import BUNDLED_MODEL, TaggerModel, cuda_problem
from tagger.pipeline.pipeline import tag_images
from tagger.results import Tagged
from tagger.rules import Rules

pytest_plugins = ("training_fixtures",)

Tagger = Callable[..., Ran]


@pytest.fixture
def lines(tagger: Tagger, tiny_model: Path) -> list[str]:
    """Return what doctor says about the mean-colour model."""
    ran = tagger("doctor", "--model", tiny_model)
    assert (ran.code, ran.stderr) == (0, "")
    return ran.stdout.decode().splitlines()


def test_versions_are_named(lines: list[str]):
    assert lines[0] == (
        f"poster-tagger {__version__}, Python {platform.python_version()}, {platform.platform()}"
    )
    names = ("numpy", "pillow", "typer", "rich")
    known = ", ".join(f"{name} {version(name)}" for name in names)
    assert re.fullmatch(rf"packages: {re.escape(known)}, onnxruntime(-gpu)? \d\S*", lines[1])


def test_training_is_there_or_how_to_get_it(lines: list[str]):
    try:
        names = ("tensorflow", "keras", "tf2onnx", "onnx", "scikit-learn", "matplotlib")
        expected = ", ".join(f"{name} {version(name)}" for name in names)
    except ModuleNotFoundError:
        expected = "not installed (pip install 'poster-tagger[train]')"
    assert lines[2] == f"training: {expected}"


def test_optional_formats_are_there(lines: list[str]):
    assert lines[3:5] == [
        f"parquet: pyarrow {version('pyarrow')}",
        f"xlsx: XlsxWriter {version('XlsxWriter')}, openpyxl {version('openpyxl')}",
    ]


@pytest.mark.parametrize(
    ("place", "extra", "package"),
    [(5, "heic", "pi-heif"), (6, "jxl", "imagecodecs"), (7, "ocr", "rapidocr")],
)
def test_extras_for_images_are_there_or_how_to_get_them(
    lines: list[str], place: int, extra: str, package: str
):
    try:
        expected = f"{package} {version(package)}"
    except ModuleNotFoundError:
        expected = f"not installed (pip install 'poster-tagger[{extra}]')"
    assert lines[place] == f"{extra}: {expected}"


def test_image_formats_are_those_of_tagging(lines: list[str]):
    assert lines[8] == f"image formats: {', '.join(FORMATS)}"


def test_devices_are_named_with_what_hinders_them(lines: list[str]):
    assert lines[9] == f"cpu: {available_cores()} cores"
    assert lines[10] == f"openvino: {version('openvino')}"
    assert lines[11] == f"cuda: {cuda_problem() or 'driver and libraries found'}"


def test_a_sample_is_tagged(lines: list[str], tiny_model: Path):
    assert lines[12] == f"model: colours 1.2 (fp32), 4 labels, {tiny_model}"
    model = TaggerModel(tiny_model, "cpu")
    sample = str(BUNDLED_MODEL.parent / "sample.jpg")
    (result,) = tag_images([sample], model, Rules.of_card(model.card), workers=1)
    assert isinstance(result, Tagged)
    assert result.tags
    tags = ", ".join(f"{tag.name} {tag.score:.0%}" for tag in result.tags)
    assert lines[13] == f"sample: {tags}"
    assert re.fullmatch(
        r"runs on: (cpu|cuda:0) \(model opened in \d+\.\d\d s, sample tagged in \d+\.\d\d s\)",
        lines[14],
    )
    assert len(lines) == 15


def test_a_missing_model_is_refused_after_what_is_there(tagger: Tagger):
    ran = tagger("doctor", "--model", "none.onnx")
    assert (ran.code, ran.stderr) == (3, "tagger: The model file none.onnx does not exist.\n")
    assert ran.stdout.startswith(f"poster-tagger {__version__}, ".encode())


@pytest.fixture
def runtimes(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the ONNX Runtimes that pip is made to list."""
    listed: set[str] = set()

    def listed_version(name: str) -> str:
        if not name.startswith("onnxruntime"):
            return version(name)
        if name not in listed:
            raise PackageNotFoundError(name)
        return "1.99"

    monkeypatch.setattr("tagger.cli.commands.doctor.version", listed_version)
    return listed


def test_two_runtimes_in_each_others_way_are_a_problem(
    tagger: Tagger, tiny_model: Path, runtimes: set[str]
):
    runtimes |= {"onnxruntime", "onnxruntime-gpu"}
    ran = tagger("doctor", "--model", tiny_model)
    assert (ran.code, ran.stderr) == (1, "")
    assert ran.stdout.decode().splitlines()[2] == (
        "problem: onnxruntime and onnxruntime-gpu are both installed and overwrite each other: "
        "pip uninstall onnxruntime onnxruntime-gpu, then install poster-tagger again"
    )


def test_without_a_runtime_nothing_is_tried(tagger: Tagger, tiny_model: Path, runtimes: set[str]):
    ran = tagger("doctor", "--model", tiny_model)
    assert (ran.code, ran.stderr) == (3, "")
    assert ran.stdout.decode().splitlines()[-1] == (
        "problem: no ONNX Runtime is installed: reinstall poster-tagger"
    )


@pytest.mark.train
def test_a_model_of_ones_own_is_tried(tagger: Tagger, shape_model: Made):
    ran = tagger("doctor", "--model", shape_model.path)
    assert (ran.code, ran.stderr) == (0, "")
    lines = ran.stdout.decode().splitlines()
    assert re.fullmatch(
        rf"model: shapes \d{{4}}-\d\d-\d\d \(fp32\), 6 labels, {re.escape(str(shape_model.path))}",
        lines[12],
    )
    assert re.fullmatch(r"sample: (\w+ \d+%)(, \w+ \d+%)?", lines[13])
