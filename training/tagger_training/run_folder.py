"""The files of a training run, each written to a temporary file and renamed."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tagger.errors import DataError, OutputError
from tagger.files.rights import make_folders
from tagger.files.write import put_in_place
from tagger.network.card import ModelCard


class RunFolder:
    """Names the files of a run and writes them atomically."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.best = folder / "best.keras"
        self.model = folder / "model.keras"
        self.checkpoint = folder / "checkpoint.keras"
        self.taught = folder / "taught.npy"
        self.state = folder / "state.json"
        self.settings = folder / "run.json"
        self.split = folder / "split.csv"
        self.history = folder / "history.csv"
        self.calibration = folder / "calibration.json"
        self.text = folder / "text.npz"
        self.card = folder / "card.json"
        self.metrics = folder / "metrics.json"
        self.curves = folder / "learning_curves.png"
        self.per_label = folder / "per_label.png"
        self.validation = folder / "validation.csv"
        self.page = folder / "report.html"
        self.cache = folder / "cache"

    def create(self) -> None:
        """Create the folder.

        Raises:
            OutputError: it cannot be created.
        """
        try:
            make_folders(os.fspath(self.folder))
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be created: {error.strerror}.") from None

    def write(self, file: Path, save: Callable[[Path], object]) -> None:
        """Let ``save`` write a temporary file, and rename it when it is complete.

        Raises:
            OutputError: the file cannot be written.
        """
        beside = file.with_name(f".{file.stem}.part{file.suffix}")
        try:
            save(beside)
            put_in_place(beside, file)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise OutputError(f"{file} cannot be written: {error.strerror or error}.") from None

    def write_json(self, file: Path, data: Any) -> None:
        """Write plain data as JSON, atomically."""
        text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
        self.write(file, lambda beside: beside.write_text(text, encoding="utf-8"))

    def read_json(self, file: Path) -> Any:
        """Read one of the run's JSON files.

        Raises:
            DataError: it is missing or damaged.
        """
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DataError(
                f"{self.folder} is not a finished run: {file.name} is missing."
            ) from None
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(f"{file} cannot be read: {error}.") from None

    def read_card(self) -> ModelCard:
        """Read the card of the run's model.

        Raises:
            DataError: the run is not finished.
            ModelError: the card is damaged.
        """
        try:
            return ModelCard.from_json(self.card.read_text(encoding="utf-8"))
        except OSError:
            raise DataError(
                f"{self.folder} is not a finished run: {self.card.name} is missing."
            ) from None

    def read_split(self) -> dict[str, str]:
        """Return whether each id is for training or validation, in the order of the table.

        Raises:
            DataError: the run is not finished.
        """
        try:
            with self.split.open(encoding="utf-8", newline="") as file:
                return {row["id"]: row["split"] for row in csv.DictReader(file)}
        except FileNotFoundError:
            raise DataError(
                f"{self.folder} is not a finished run: {self.split.name} is missing."
            ) from None

    def remove_cache(self) -> None:
        """Remove decoded images, which take much space and are no longer needed."""
        shutil.rmtree(self.cache, ignore_errors=True)
