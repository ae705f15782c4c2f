"""Where a detector's map says that text is: the map → one quadrilateral for each line of text.

This is the second half of differentiable binarization (Liao et al., AAAI 2020) with the settings
of PP-OCR: regions of the map, the smallest rectangle around each, enlarged, since the network was
trained on regions that are smaller than their text.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

#: x and y of four corners: top left, top right, bottom right, bottom left; shape (4, 2).
Corners = npt.NDArray[np.float64]
Map = npt.NDArray[np.float32]

#: A picture of nothing but text has hundreds of lines, and each takes milliseconds to be read.
MOST_LINES: Final = 48

_IS_TEXT: Final = 0.3
_IS_LINE: Final = 0.5
_ENLARGED_BY: Final = 1.6
_THINNEST: Final = 3.0
_MOST_REGIONS: Final = 4 * MOST_LINES


def find_lines(text: Map) -> list[Corners]:
    """Return the corners of lines of text in reading order, at most the largest :data:`MOST_LINES`.

    Args:
        text: the probability that a pixel belongs to text, shape ``(height, width)``.
    """
    mask = text > _IS_TEXT
    # Joins letters that touch diagonally.
    mask[1:] |= mask[:-1].copy()
    mask[:, 1:] |= mask[:, :-1].copy()
    found = [line for region in _regions(mask) if (line := _line(region, text)) is not None]
    found = sorted(found, key=line_height, reverse=True)[:MOST_LINES]
    return _in_reading_order(found)


def _regions(mask: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.float64]]:
    """Return the ends of all rows of each connected region that may be a line, largest first."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1] - 1
    if not len(rows):
        return []
    region = _joined(rows, starts, ends, mask.shape[1])
    order = np.argsort(region, kind="stable")
    cuts = np.flatnonzero(np.diff(region[order])) + 1
    regions = []
    for runs in np.split(order, cuts):
        tall = rows[runs[-1]] - rows[runs[0]]
        wide = ends[runs].max() - starts[runs].min()
        if min(tall, wide) >= _THINNEST:
            regions.append((int((ends[runs] - starts[runs] + 1).sum()), runs))
    regions.sort(key=lambda one: -one[0])
    return [
        np.concatenate(
            [np.stack([starts[runs], rows[runs]], 1), np.stack([ends[runs], rows[runs]], 1)]
        ).astype(np.float64)
        for _, runs in regions[:_MOST_REGIONS]
    ]


def _joined(
    rows: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    width: int,
) -> npt.NDArray[np.int64]:
    """Return a number for each run of pixels in a row, equal where runs touch, also by corners."""
    stride = width + 4  # the runs before and behind a row are none of its neighbours
    first = np.searchsorted(rows * stride + ends, (rows - 1) * stride + starts - 1, "left")
    behind = np.searchsorted(rows * stride + starts, (rows - 1) * stride + ends + 1, "right")
    parent = list(range(len(rows)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = run = parent[parent[run]]
        return run

    for run, (low, high) in enumerate(zip(first.tolist(), behind.tolist(), strict=True)):
        for above in range(low, high):
            one, other = root(run), root(above)
            parent[max(one, other)] = min(one, other)
    return np.array([root(run) for run in range(len(parent))])


def _line(points: npt.NDArray[np.float64], text: Map) -> Corners | None:
    """Return the corners of the line that a region stands for; None if it is unlikely to be one."""
    axes, low, high = _smallest_rectangle(_hull(points))
    size = high - low
    if size.min() < _THINNEST or _mean_inside(text, axes, low, high) < _IS_LINE:
        return None
    margin = size.prod() * _ENLARGED_BY / (2 * size.sum())
    low, high = low - margin, high + margin
    if (high - low).min() < _THINNEST + 2:
        return None
    corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]]) @ axes
    limits = np.array([text.shape[1] - 1, text.shape[0] - 1])
    corners = _clockwise(np.clip(corners, 0, limits))
    return corners if min(line_height(corners), _length(corners)) > _THINNEST else None


def _hull(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the convex hull (Andrew's monotone chain) of at least two different points."""
    ordered = sorted({(x, y) for x, y in points.tolist()})

    def half(ordered: list[tuple[float, float]]) -> list[tuple[float, float]]:
        chain: list[tuple[float, float]] = []
        for x, y in ordered:
            while len(chain) > 1:
                (ax, ay), (bx, by) = chain[-2:]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                chain.pop()
            chain.append((x, y))
        return chain[:-1]

    return np.array(half(ordered) + half(ordered[::-1]))


def _smallest_rectangle(
    hull: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the axes, shape (2, 2), of the smallest rectangle around a hull, and its limits."""
    edges = np.diff(np.vstack([hull, hull[:1]]), axis=0)
    along = edges / np.linalg.norm(edges, axis=1, keepdims=True)
    across = np.stack([-along[:, 1], along[:, 0]], 1)
    spread = np.stack([hull @ along.T, hull @ across.T])  # (2, points, edges)
    low, high = spread.min(axis=1), spread.max(axis=1)
    best = int((high - low).prod(axis=0).argmin())
    return np.stack([along[best], across[best]]), low[:, best], high[:, best]


def _mean_inside(
    text: Map,
    axes: npt.NDArray[np.float64],
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
) -> float:
    corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]]) @ axes
    left, top = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
    part = text[top:bottom, left:right]
    y, x = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
    along, across = (axis[0] * x + axis[1] * y for axis in axes)
    slack = 0.5
    inside = (
        (along >= low[0] - slack)
        & (along <= high[0] + slack)
        & (across >= low[1] - slack)
        & (across <= high[1] + slack)
    )
    return float(part[inside].mean()) if inside.any() else 0.0


def _clockwise(corners: Corners) -> Corners:
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = (half[np.argsort(half[:, 1], kind="stable")] for half in (by_x[:2], by_x[2:]))
    return np.stack([left[0], right[0], right[1], left[1]])


def line_height(corners: Corners) -> float:
    """Return the height of a line."""
    return float(np.linalg.norm(corners[0] - corners[3]))


def _length(corners: Corners) -> float:
    return float(np.linalg.norm(corners[0] - corners[1]))


def _in_reading_order(lines: list[Corners]) -> list[Corners]:
    """Sort by rows; what begins within half a line's height is one row, from left to right."""
    ordered: list[Corners] = []
    rest = sorted(lines, key=lambda line: line[0, 1])
    while rest:
        limit = rest[0][0, 1] + line_height(rest[0]) / 2
        row = [line for line in rest if line[0, 1] <= limit]
        ordered += sorted(row, key=lambda line: line[0, 0])
        rest = rest[len(row) :]
    return ordered
