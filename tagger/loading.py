"""Paths → Loaded | Failed: decoded in parallel, in input order, with bounded look-ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from tagger.images import ImageError, load_rgb
from tagger.results import Failed, Loaded


def load(path: str, height: int, width: int) -> Loaded | Failed:
    """Read one image; a bad one becomes a value.

    Args:
        path: the image file.
        height: rows of the result, in pixels.
        width: columns of the result, in pixels.
    """
    try:
        return Loaded(path, load_rgb(path, height, width))
    except ImageError as error:
        return Failed(path, str(error))


def load_all(
    paths: Iterable[str], height: int, width: int, *, workers: int, ahead: int
) -> Iterator[Loaded | Failed]:
    """Read images in parallel and yield them in the order of ``paths``.

    Threads do: Pillow releases the GIL while it decodes and resizes.

    Args:
        paths: image files; taken from only as far as the look-ahead reaches.
        height: rows of the results, in pixels.
        width: columns of the results, in pixels.
        workers: images decoded at a time.
        ahead: images that are decoded or being decoded and not yet taken, at most.
    """
    paths = iter(paths)
    window: deque[Future[Loaded | Failed]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    try:
        for path in islice(paths, ahead):
            window.append(pool.submit(load, path, height, width))
        while window:
            yield window.popleft().result()
            for path in islice(paths, 1):
                window.append(pool.submit(load, path, height, width))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
