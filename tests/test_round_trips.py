"""Whatever names and probabilities there are: a table read back says what was written."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_model import CARD

from tagger.find.scan import WalkOptions, scan
from tagger.results import Failed, Result, Tagged
from tagger.rules import Rules, select
from tagger.table.formats import Format
from tagger.table.open import open_rows
from tagger.table.plan import TablePlan
from tagger.table.sink import Sink
from tagger.table.stream import table_stream
from tagger.table.table import Table
from tagger.table.wide import WideTable

RULES = Rules.of_card(CARD)

# Also what is no UTF-8, what looks like markup, an escape or a formula, and ends of lines.
PARTS = st.one_of(
    st.binary(min_size=1, max_size=8),
    st.text(min_size=1, max_size=6).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [b"=1+1", b"'=1", b"''", b'"', b",", b"\t", b"\r\n", b"\r", b"\xef\xbb\xbf", b"_x0041_",
         b"<r>", b"</r>", b"\\x41", b"\\", b" ", b"a", b"sep=;", b"NA", b"1.50", b"TRUE"]
    ),
)  # fmt: skip
NAMES = (
    st.lists(PARTS, min_size=1, max_size=3)
    .map(b"".join)
    .map(lambda name: name.replace(b"\0", b"0").replace(b"/", b"|"))
    .filter(lambda name: name not in (b".", b".."))
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: os.fsdecode(b"/".join(names)))
SCORES = st.lists(st.integers(0, 10_000), min_size=4, max_size=4).map(
    lambda parts: np.array(parts, dtype=np.float64) / 10_000
)
REASONS = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=12)
RESULTS = st.lists(
    st.one_of(
        st.builds(lambda path, scores: Tagged(path, select(scores, RULES), scores), PATHS, SCORES),
        st.builds(Failed, PATHS, REASONS),
    ),
    max_size=5,
)
FORMATS = ("csv", "tsv", "jsonl", "excel.csv", "excel.tsv", "parquet", "xlsx")


def unexpected(path: str, reason: str) -> None:
    raise AssertionError(path, reason)


def write(file: Path, format: str, results: list[Result]) -> None:
    excel, _, name = format.rpartition(".")
    plan = TablePlan(str(file), Format(name), excel=bool(excel))
    sink = Sink(str(file), needs_end=not plan.is_text)
    with table_stream(Table(plan, CARD.labels, unexpected), sink) as writer:
        for result in results:
            writer.write([result])


def said(result: Result) -> tuple[object, ...]:
    if isinstance(result, Failed):
        return (result.path, result.reason)
    return (result.path, result.tags, result.scores.tolist())


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(results=RESULTS)
def test_a_table_says_what_was_written(tmp_path: Path, format: str, results: list[Result]) -> None:
    file = tmp_path / f"table.{format}"
    write(file, format, results)

    with open_rows(str(file)) as rows:
        read = list(WideTable(rows, CARD).results(RULES))

    assert [said(result) for result in read] == [said(result) for result in results]


# What a scan finds

# Characters on both sides of the slash: that is where a folder's place among files is decided.
#: Paths below a folder; behind dots alone ``.jpg`` is no extension, as in ``.profile``.
ENTRIES = st.lists(
    st.lists(
        st.lists(st.sampled_from([b"a", b"-", b".", b"0", b" ", b"\xc3\xa9", b"\xff"]), min_size=1,
                 max_size=3).map(b"".join).filter(lambda name: name.strip(b".")),
        min_size=1, max_size=3,
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=ENTRIES, twice=st.booleans())
def test_a_scan_finds_every_image_once_in_bytewise_order(
    tmp_path_factory: pytest.TempPathFactory, entries: list[list[bytes]], twice: bool
) -> None:
    root = os.fsencode(tmp_path_factory.mktemp("tree"))
    made: set[bytes] = set()
    for parts in entries:
        path = b"/".join([root, *parts])
        file = path + b".jpg"
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(file, "wb"):
                made.add(file)
        except (FileExistsError, IsADirectoryError, NotADirectoryError):
            continue  # a file has this name, or a folder
    # As arguments also each file by its name, and the tree once more.
    arguments = [os.fsdecode(root), *(os.fsdecode(path) for path in made if twice)]

    found = scan([*arguments, *arguments[: 1 + twice]], WalkOptions())

    assert [os.fsencode(path) for path in found.paths(unexpected)] == sorted(made)
