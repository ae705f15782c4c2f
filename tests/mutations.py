"""Mutations of files: the same ones for the same seed, on every machine."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping

Mutation = Callable[[random.Random, bytearray, bytes], None]

# What counts, offsets and sizes are when they lie.
_LIES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
# Where most formats keep sizes, counts and the kind of what follows.
_HEADER = 128


def mutated(files: Mapping[str, bytes], count: int, *, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield mutated files: a name that says what was done to which file, and the content.

    Args:
        files: name → content; taken in turns.
        count: how many.
        seed: of the choices.
    """
    names = sorted(files)
    for number in range(count):
        choice = random.Random(f"{seed} {number}")
        name = names[number % len(names)]
        other = files[choice.choice(names)]
        content = bytearray(files[name])
        done = [choice.choice(list(MUTATIONS)) for _ in range(choice.choice((1, 1, 1, 2, 3)))]
        for mutation in done:
            MUTATIONS[mutation](choice, content, other)
        yield f"{number:05}-{'+'.join(done)}-{name}", bytes(content)


def _flip_bits(choice: random.Random, content: bytearray, other: bytes) -> None:
    for _ in range(choice.choice((1, 2, 8, 40)) if content else 0):
        content[choice.randrange(len(content))] ^= 1 << choice.randrange(8)


def _flip_in_header(choice: random.Random, content: bytearray, other: bytes) -> None:
    for _ in range(choice.choice((1, 2, 4)) if content else 0):
        content[choice.randrange(min(_HEADER, len(content)))] = choice.randrange(256)


def _truncate(choice: random.Random, content: bytearray, other: bytes) -> None:
    del content[choice.randrange(len(content) + 1) :]


def _lie(choice: random.Random, content: bytearray, other: bytes) -> None:
    """Overwrite what may be a size, in either byte order."""
    width = choice.choice((1, 2, 4))
    reach = min(len(content), choice.choice((_HEADER, _HEADER, len(content))))
    at = choice.randrange(max(1, reach - width))
    value = choice.choice(_LIES) & ((1 << 8 * width) - 1)
    content[at : at + width] = value.to_bytes(width, choice.choice(("big", "little")))


def _cut_out(choice: random.Random, content: bytearray, other: bytes) -> None:
    start, end = _span(choice, len(content))
    del content[start:end]


def _repeat(choice: random.Random, content: bytearray, other: bytes) -> None:
    start, end = _span(choice, len(content))
    content[end:end] = bytes(content[start:end]) * choice.choice((1, 1, 7, 60))


def _splice(choice: random.Random, content: bytearray, other: bytes) -> None:
    """Put part of another file over this one's, as a torn copy does."""
    start, end = _span(choice, len(other))
    at = choice.randrange(len(content) + 1)
    content[at : at + (end - start) * choice.randrange(2)] = other[start:end]


def _swap_tail(choice: random.Random, content: bytearray, other: bytes) -> None:
    """Go on as another file does from the same place."""
    at = choice.randrange(min(len(content), len(other)) + 1)
    content[at:] = other[at:]


def _blank(choice: random.Random, content: bytearray, other: bytes) -> None:
    """Fill a part with one byte: what a disk gives for blocks that were never written."""
    start, end = _span(choice, len(content))
    content[start:end] = bytes((choice.choice((0, 0, 0xFF)),)) * (end - start)


def _span(choice: random.Random, length: int) -> tuple[int, int]:
    start = choice.randrange(length + 1)
    return start, min(length, start + choice.choice((1, 4, 12, 64, 512, 4096)))


MUTATIONS: Mapping[str, Mutation] = {
    "bits": _flip_bits,
    "header": _flip_in_header,
    "cut": _truncate,
    "lie": _lie,
    "hole": _cut_out,
    "repeat": _repeat,
    "splice": _splice,
    "tail": _swap_tail,
    "blank": _blank,
}
