"""``tagger doctor``: what works here, in a screen."""

from __future__ import annotations

import platform
import signal
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

from tagger import __version__
from tagger.cli.console import say, show
from tagger.cli.faults import what_cannot_be_loaded
from tagger.cli.options.groups import Only
from tagger.cli.options.model import ModelOptions
from tagger.cli.options.report import ConfigOptions, ReportOptions
from tagger.text import counted

_BASE = ("numpy", "pillow", "typer", "rich")
_RUNTIMES = ("onnxruntime-gpu", "onnxruntime")
_OPTIONAL = {
    "parquet": ("pyarrow",),
    "xlsx": ("XlsxWriter", "openpyxl"),
    "heic": ("pi-heif",),
    "jxl": ("imagecodecs",),
    "ocr": ("rapidocr",),
}
_TRAIN = ("tensorflow", "keras", "tf2onnx", "onnx", "scikit-learn", "matplotlib")


def doctor(
    *,
    model: Annotated[ModelOptions, Only("model")],
    report: Annotated[ReportOptions, Only("verbose")],
    config: ConfigOptions,
) -> int:
    """Check the installation.

    Shows versions, devices, the model, and a tagged sample; the exit code is 0 if tagging works.
    """
    show(f"poster-tagger {__version__}, Python {platform.python_version()}, {platform.platform()}")
    show(f"packages: {_versions(_BASE + _RUNTIMES)}")
    runtimes = [name for name in _RUNTIMES if _version(name)]
    if len(runtimes) == 2:
        show(
            "problem: onnxruntime and onnxruntime-gpu are both installed and overwrite each other: "
            "pip uninstall onnxruntime onnxruntime-gpu, then install poster-tagger again"
        )
    try:
        return _checks(runtimes, model.model)
    except Exception as error:
        problem = what_cannot_be_loaded(error)
        if problem is None:
            raise
        show(f"problem: {problem}")
        return problem.exit_code


def _checks(runtimes: list[str], model: Path | None) -> int:
    show(f"training: {_installed('train', _TRAIN)}")
    for extra, names in _OPTIONAL.items():
        show(f"{extra}: {_installed(extra, names)}")
    formats, missing = _image_formats()
    lacking = f"; missing: {', '.join(missing)}" if missing else ""
    show(f"image formats: {', '.join(formats)}{lacking}")
    if not runtimes:
        show("problem: no ONNX Runtime is installed: reinstall poster-tagger")
        return 3
    if ending := _crash_of("onnxruntime"):
        show(
            f"problem: ONNX Runtime crashes when it is loaded ({ending}): install another version "
            "of it; this processor may lack instructions that this one needs"
        )
        return 3
    _show_devices()
    return max(_sample(model), int(len(runtimes) != 1))


def _crash_of(package: str) -> str | None:
    """Return the signal that ends a process which imports a package; None if none does."""
    command = [sys.executable, "-P", "-c", f"import {package}"]
    try:
        code = subprocess.run(command, capture_output=True, check=False).returncode  # noqa: S603
        return signal.Signals(-code).name
    except (OSError, ValueError):  # it cannot be tried, or ends by itself
        return None


def _show_devices() -> None:
    from tagger.network.devices import available_cores
    from tagger.network.openvino import openvino_problem
    from tagger.network.ort import cuda_problem

    show(f"cpu: {counted(available_cores(), 'core')}")
    show(f"openvino: {openvino_problem() or _version('openvino')}")
    show(f"cuda: {cuda_problem() or 'driver and libraries found'}")


def _sample(model: Path | None) -> int:
    """Tag the bundled sample: the one check that covers everything."""
    from tagger.network.model import BUNDLED_MODEL, TaggerModel
    from tagger.pipeline.pipeline import tag_images
    from tagger.results import Failed
    from tagger.rules import Rules

    started = time.perf_counter()
    opened = TaggerModel(model)
    loaded = time.perf_counter()
    card = opened.card
    show(
        f"model: {card.name} {card.version} ({card.precision}), {len(card.labels)} labels, "
        f"{opened.file}"
    )
    sample = BUNDLED_MODEL.parent / "sample.jpg"
    (result,) = tag_images([str(sample)], opened, Rules.of_card(card), workers=1)
    tagged = time.perf_counter()
    if isinstance(result, Failed):
        say(f"problem: the sample {sample} cannot be tagged: {result.reason}")
        return 3
    tags = ", ".join(f"{tag.name} {tag.score:.0%}" for tag in result.tags) or "no tags"
    show(f"sample: {tags}")
    show(
        f"runs on: {opened.device} (model opened in {loaded - started:.2f} s, "
        f"sample tagged in {tagged - loaded:.2f} s)"
    )
    return 0


def _image_formats() -> tuple[list[str], list[str]]:
    from PIL import features

    from tagger.decode.pillow import FORMATS

    optional = {"WEBP": "webp", "AVIF": "avif", "JPEG": "jpg", "TIFF": "libtiff", "PNG": "zlib"}
    optional["JPEG2000"] = "jpg_2000"
    missing = [name for name in FORMATS if name in optional and not features.check(optional[name])]
    return [name for name in FORMATS if name not in missing], missing


def _installed(extra: str, names: tuple[str, ...]) -> str:
    if all(_version(name) for name in names):
        return _versions(names)
    return f"not installed (pip install 'poster-tagger[{extra}]')"


def _versions(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {_version(name)}" for name in names if _version(name))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
