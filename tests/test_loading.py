"""Images go straight into a batch; work on batches keeps its order and never runs far ahead."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from commands import PATIENCE
from pictures import save_picture

from tagger.decode.budget import NO_HURRY, Memory
from tagger.pipeline.loading import Loaded, Loading, Read
from tagger.pipeline.pipeline import batches, in_order
from tagger.pipeline.workers import worker_pool
from tagger.results import Failed, FileFacts, Pixels


def read(paths: Sequence[str], pixels: Pixels) -> Read:
    return Loading(paths, (), NO_HURRY, Memory(NO_HURRY.memory), pixels).finish()


def test_images_fill_the_rows_of_a_batch(tmp_path: Path) -> None:
    paths = [str(save_picture(tmp_path / f"{n}.png", (n, n, n), size=(8, 8))) for n in (10, 20)]
    pixels = np.zeros((3, 4, 4, 3), dtype=np.uint8)

    assert read(paths, pixels) == [
        Loaded(FileFacts(8, 8), None),
        Loaded(FileFacts(8, 8), None),
    ]

    assert [row.min() for row in pixels] == [row.max() for row in pixels] == [10, 20, 0]


def test_a_bad_image_leaves_its_row_and_says_why(tmp_path: Path) -> None:
    good = save_picture(tmp_path / "good.png", (9, 9, 9), size=(8, 8))
    empty = tmp_path / "empty.png"
    empty.touch()
    pixels = np.full((2, 4, 4, 3), 77, dtype=np.uint8)

    assert read([str(empty), str(good)], pixels) == [
        Failed(str(empty), "the file is empty"),
        Loaded(FileFacts(8, 8), None),
    ]

    assert (pixels[0] == 77).all()
    assert (pixels[1] == 9).all()


def test_a_stream_is_cut_into_lists() -> None:
    assert list(batches(iter("abcde"), 2)) == [["a", "b"], ["c", "d"], ["e"]]
    assert list(batches([], 2)) == []


@pytest.mark.parametrize(("workers", "ahead"), [(1, 1), (2, 5), (4, 10)])
def test_items_are_taken_no_further_than_the_look_ahead(workers: int, ahead: int) -> None:
    taken = itertools.count()

    with worker_pool(workers, "test") as pool:
        done = in_order(taken, lambda item: pool.submit(str, item), ahead=ahead)
        assert [next(done) for _ in range(20)] == [str(number) for number in range(20)]

    assert next(taken) <= 20 + ahead


def test_results_keep_the_order_of_their_items() -> None:
    """The first one ends last."""
    second_is_done = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second_is_done.wait(PATIENCE)
        elif item == 1:
            second_is_done.set()
        return item

    with worker_pool(2, "test") as pool:
        assert list(in_order(range(5), lambda item: pool.submit(work, item), ahead=3)) == [
            *range(5)
        ]


def test_leaving_a_pool_drops_what_has_not_begun() -> None:
    goes_on = threading.Event()
    with worker_pool(1, "test") as pool:
        running: Future[bool] = pool.submit(goes_on.wait, PATIENCE)
        waiting = [pool.submit(goes_on.wait, PATIENCE) for _ in range(5)]
        goes_on.set()
    assert running.result()
    assert all(future.done() for future in waiting)


def test_no_items_give_nothing() -> None:
    with worker_pool(1, "test") as pool:
        assert list(in_order([], lambda item: pool.submit(str, item), ahead=4)) == []


def test_an_interrupt_while_a_thread_starts_loses_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the process would end beside it, while it may be in a decoder."""
    start = threading.Thread.start
    begun, done = threading.Event(), threading.Event()

    def interrupted(thread: threading.Thread) -> None:
        monkeypatch.undo()
        start(thread)
        assert begun.wait(PATIENCE)
        raise KeyboardInterrupt

    def work() -> None:
        begun.set()
        time.sleep(0.5)
        done.set()

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt), worker_pool(1, "test") as pool:
        pool.submit(work)

    assert done.is_set()
