"""The two networks of PP-OCRv4, which the package rapidocr carries, on the run's device."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.errors import MissingExtraError, TaggerError
from tagger.network.devices import Device
from tagger.network.ort import inference_session

#: Changes whenever the same picture may give other words: what was kept is read again.
READER: Final = "PP-OCRv4 1"

# Their code is never loaded. The second package has the same files, but brings another ONNX Runtime
# with it, so the extra names the first.
_PACKAGES: Final = ("rapidocr", "rapidocr_onnxruntime")
# Detector and recognizer, by the size of their files and the SHA-256. Their names vary by version.
_KNOWN: Final = (
    (4_745_517, "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9"),
    (10_857_958, "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b"),
)


class Networks:
    """Detector and recognizer; may be used by several threads.

    Args:
        device: of the run. With several, the first; a processor is one whatever runs on it.

    Raises:
        MissingExtraError: no package with the networks is installed.
        TaggerError: the installed one has other networks.
    """

    def __init__(self, device: Device) -> None:
        detector, recognizer = _files()
        # TensorRT would build an engine for each size of a picture.
        device = Device("cpu") if device.on_cpu else Device("cuda", device.index)
        self._detector = inference_session(detector, device)
        self._recognizer = inference_session(recognizer, device)
        listed = self._recognizer.get_modelmeta().custom_metadata_map["character"]
        #: What the columns of the recognizer's scores stand for; the first for no character.
        self.characters = ["", *listed.split("\n"), " "]

    def text_map(self, picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the probability of text for each pixel of a picture, ``(3, height, width)``."""
        found: npt.NDArray[np.float32] = self._detector.run(None, {"x": picture[None]})[0]
        return np.asarray(found[0, 0])

    def character_scores(self, lines: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the scores of lines, ``(n, steps, characters)``; see ``characters.as_batch``."""
        scores: npt.NDArray[np.float32] = self._recognizer.run(None, {"x": lines})[0]
        return scores


def _files() -> list[Path]:
    """Return the files of detector and recognizer."""
    folders = [folder for name in _PACKAGES if (folder := _folder(name)) is not None]
    if not folders:
        raise MissingExtraError("--text ocr", "ocr", "rapidocr")
    for folder in folders:
        there = sorted((folder / "models").glob("*.onnx"))
        files = [file for known in _KNOWN for file in there if _is(file, *known)]
        if len(files) == len(_KNOWN):
            return files
    raise TaggerError(
        f"--text ocr reads with PP-OCRv4, and the networks in {folders[0]} are others: "
        "pip install 'poster-tagger[ocr]'"
    )


def _folder(package: str) -> Path | None:
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):  # something hides it
        return None
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) if places else None


def _is(file: Path, size: int, sha256: str) -> bool:
    try:
        if file.stat().st_size != size:
            return False
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == sha256
    except OSError:
        return False
