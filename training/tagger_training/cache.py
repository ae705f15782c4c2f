"""Decode every image of a labelled set once, so that epochs spend no time on decoding."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tagger.decode.picture import RESIZE_RULE, ImageError, load_rgb
from tagger.decode.pillow import one_thread_per_image
from tagger.errors import OutputError
from tagger.files.write import write_whole
from tagger.results import Pixels

_CHUNK = 256


def decoded_images(
    files: Sequence[Path],
    height: int,
    width: int,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Pixels, dict[int, str]]:
    """Return all images as one array on disk, created now or by an earlier run.

    Args:
        files: the images.
        height: rows of the result, in pixels.
        width: columns of the result, in pixels.
        folder: location of the array; changing, adding or removing a file creates a new one.
        progress: called with the number of images done and in total.

    Returns:
        A read-only uint8 memory map of shape ``(files, height, width, 3)``, and for each unreadable
        file its position and the reason (its pixels are zeros).

    Raises:
        OutputError: the folder cannot be written.
    """
    array_file = folder / f"images-{_digest(files, height, width)}.npy"
    failures_file = array_file.with_suffix(".json")
    try:
        if not failures_file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            failures = _fill(array_file, files, height, width, progress)
            # Written last: its presence shows that the array is complete.
            write_whole(failures_file, json.dumps(failures).encode())
        failures = json.loads(failures_file.read_text(encoding="utf-8"))
        array = np.load(array_file, mmap_mode="r")
    except OSError as error:
        raise OutputError(f"The image cache {folder} cannot be used: {error.strerror}.") from None
    except ValueError:
        raise OutputError(f"The image cache {folder} is damaged: remove it.") from None
    return array, {int(position): reason for position, reason in failures.items()}


def _fill(
    array_file: Path,
    files: Sequence[Path],
    height: int,
    width: int,
    progress: Callable[[int, int], None],
) -> dict[int, str]:
    array = np.lib.format.open_memmap(
        array_file, mode="w+", dtype=np.uint8, shape=(len(files), height, width, 3)
    )
    failures: dict[int, str] = {}

    def read(position: int) -> None:
        try:
            array[position] = load_rgb(files[position], height, width)
        except ImageError as error:
            failures[position] = str(error)

    # Pillow releases the GIL while decoding, so threads keep every core busy.
    with one_thread_per_image(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for start in range(0, len(files), _CHUNK):
            stop = min(start + _CHUNK, len(files))
            list(pool.map(read, range(start, stop)))
            progress(stop, len(files))
    array.flush()
    return failures


def _digest(files: Sequence[Path], height: int, width: int) -> str:
    digest = hashlib.sha256(f"{RESIZE_RULE} {height} {width}".encode())
    for file in files:
        status = file.stat()
        line = f"{file.absolute()}\0{status.st_size}\0{status.st_mtime_ns}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]
