"""Paths → pixels in a batch's array, and work on batches: parallel, in input order, bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from tagger.facts import measure
from tagger.images import ImageError, load_picture
from tagger.results import Failed, FileFacts, Pixels

Given = TypeVar("Given")
Done = TypeVar("Done")


def load_into(
    paths: Sequence[str], pixels: Pixels, wanted: Collection[str] = ()
) -> list[FileFacts | Failed]:
    """Read images straight into a batch; the row of one that cannot be read stays as it was.

    Args:
        paths: image files.
        pixels: uint8, shape ``(at least len(paths), height, width, 3)``; changed in place.
        wanted: what :func:`tagger.facts.measure` is to find out about each file.

    Returns:
        For each path what is known of its file, or why it could not be read.
    """
    read: list[FileFacts | Failed] = []
    for row, path in enumerate(paths):
        size, digest = measure(path, wanted)
        try:
            picture = load_picture(path, *pixels.shape[1:3])
        except ImageError as error:
            read.append(Failed(path, str(error), FileFacts(None, None, size, digest)))
        else:
            pixels[row] = picture.pixels
            read.append(FileFacts(picture.width, picture.height, size, digest))
    return read


def batches(paths: Iterable[str], size: int) -> Iterator[list[str]]:
    """Cut a stream of paths into lists of ``size``; the last one may be shorter."""
    paths = iter(paths)
    while batch := list(islice(paths, size)):
        yield batch


@contextmanager
def worker_pool(workers: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Open a pool of threads; leaving it drops what has not begun and waits for what has.

    Threads do: Pillow and ONNX Runtime release the GIL while they work.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def in_order(
    items: Iterable[Given], submit: Callable[[Given], Future[Done]], *, ahead: int
) -> Iterator[Done]:
    """Yield what becomes of the items, in their order.

    Args:
        items: taken from only as far as the look-ahead reaches.
        submit: starts the work on an item.
        ahead: items whose work has been started and not yet taken, at most.
    """
    items = iter(items)
    window = deque(submit(item) for item in islice(items, ahead))
    while window:
        yield window.popleft().result()
        window.extend(submit(item) for item in islice(items, 1))
