"""What one more image costs a run, counted in steps: seconds would differ from run to run."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from commands import Ran
from pictures import save_picture

Tag = Callable[..., Ran]


def draw(folder: Path, images: int) -> None:
    """Draw a folder of small posters."""
    first = save_picture(folder / "000.jpg", (204, 51, 153))
    for number in range(1, images):
        (folder / f"{number:03}.jpg").write_bytes(first.read_bytes())


def test_an_image_takes_the_main_thread_few_steps(folder: Path, tag: Tag) -> None:
    def steps(images: int) -> int:
        """Return how many functions of Python the main thread calls in a run."""
        draw(folder / str(images), images)
        this, count = threading.get_ident(), 0

        def step(frame: object, event: str, _: object) -> None:
            nonlocal count
            count += event == "call" and threading.get_ident() == this

        sys.setprofile(step)
        try:
            ran = tag(str(images), "-o", f"{images}.csv", "-q")
        finally:
            sys.setprofile(None)
        assert ran.code == 0, ran.stderr
        return count

    steps(2)  # what is imported on the way

    assert (steps(360) - steps(60)) / 300 < 40
