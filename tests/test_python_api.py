"""``from tagger import Tagger``: the command's results from Python."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import Ran
from pictures import save_picture
from test_imports import HEAVY, loaded_by

import tagger
from tagger import Failed, Tag, Tagged, Tagger, TaggerError

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def colours(tiny_model: Path) -> Tagger:
    """Return a tagger with the tiny model."""
    return Tagger(tiny_model, "cpu")


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import tagger; tagger.__version__, dir(tagger)") & HEAVY == set()


def test_the_package_shows_what_it_has() -> None:
    assert {"Tagger", "Tagged", "Failed", "Tag", "Result", "TaggerError"} <= set(dir(tagger))
    assert {"Listener", "Summary"} <= set(dir(tagger))
    with pytest.raises(AttributeError, match="module 'tagger' has no attribute 'Tager'"):
        tagger.Tager  # noqa: B018


def test_it_yields_what_the_command_writes(
    folder: Path, colours: Tagger, tag: Callable[..., Ran]
) -> None:
    for number in range(20):
        save_picture(folder / f"p/{number % 3}/{number}.png", (number * 12, 90, 250 - number * 9))
    (folder / "p/1/broken.jpg").write_bytes(b"no image")
    written = tag("p").rows()

    rows = []
    for result in colours.tag("p"):
        if isinstance(result, Failed):
            rows.append(f'{result.path},,"{result.reason}",,,,')
        else:
            cells = [result.path, "|".join(tag.name for tag in result.tags), ""]
            rows.append(",".join([*cells, *(f"{score:.4f}" for score in result.scores)]))

    assert rows == written


def test_results_come_in_the_order_of_the_paths(folder: Path, colours: Tagger) -> None:
    for name in ("z.png", "a.png", "f/2.png", "f/1.png"):
        save_picture(folder / name)
    (folder / "f/notes.txt").touch()
    paths = [Path("z.png"), "gone.png", "f", b"a.png", "z.png"]

    results = list(colours.tag(paths))

    names = [result.path.replace(os.sep, "/") for result in results]
    assert names == ["z.png", "gone.png", "f/1.png", "f/2.png", "a.png", "z.png"]
    assert [type(result) for result in results] == [Tagged, Failed, Tagged, Tagged, Tagged, Tagged]


def test_a_single_image_is_enough(folder: Path, colours: Tagger) -> None:
    (result,) = colours.tag(save_picture(folder / "red.png", (255, 0, 51), size=(5, 7)))

    assert isinstance(result, Tagged)
    assert result.tags == (Tag("red", 1.0),)
    assert result.scores.tolist() == [1.0, 0.0, 0.2, 0.0]
    assert (result.facts.width, result.facts.height) == (5, 7)


def test_paths_are_taken_only_so_far_ahead(folder: Path, tiny_model: Path) -> None:
    image = save_picture(folder / "a.png")
    taken = itertools.count()

    def endless() -> Iterator[Path]:
        while True:
            next(taken)
            yield image

    results = Tagger(tiny_model, "cpu", workers=2, batch_size=3).tag(endless())
    assert [next(results).path for _ in range(10)] == [str(image)] * 10
    results.close()  # type: ignore[attr-defined]

    assert next(taken) <= 10 + 3 + 2 * 2 * 3


def test_options_are_the_commands(folder: Path, tiny_model: Path) -> None:
    image = save_picture(folder / "a.png", (153, 102, 51))

    def names(**options: object) -> list[str]:
        (result,) = Tagger(tiny_model, "cpu", **options).tag(image)
        assert isinstance(result, Tagged)
        return [tag.name for tag in result.tags]

    assert names() == ["red"]
    assert names(thresholds=0.1) == ["red", "green", "blue"]
    assert names(thresholds={"Blue": 0.2}) == ["red", "blue"]
    assert names(thresholds=0.1, max_tags=2) == ["red", "green"]
    assert names(min_tags=2) == ["red", "green"]
    assert names(ignore=["red"]) == ["green"]
    assert names(ignore="red") == ["green"]
    assert names(rename={"red": "warm"}) == ["warm"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thresholds": 1.5}, "thresholds: 1.5 is not a number from 0 to 1."),
        ({"thresholds": {"rde": 0.5}}, "The model has no label 'rde': did you mean red?"),
        ({"ignore": ["pink"]}, "The model has no label 'pink': it has red, green, blue, N/A."),
        ({"min_tags": 3, "max_tags": 2}, "The minimum of 3 tags is above the maximum of 2."),
        ({"max_tags": -1}, "max_tags: -1 is not a whole number from 0 to 100,000."),
        (
            {"rename": {"red": "a|b"}},
            "The new name 'a|b' of 'red' must be printable text without '|'.",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(
    options: dict[str, object], message: str, tiny_model: Path
) -> None:
    with pytest.raises(TaggerError) as caught:
        Tagger(tiny_model, "cpu", **options)
    assert str(caught.value) == message


@pytest.mark.skipif(
    sys.platform == "win32" or (hasattr(os, "geteuid") and os.geteuid() == 0),
    reason="root may read everything",
)
def test_a_folder_that_cannot_be_listed_fails_in_its_place(folder: Path, colours: Tagger) -> None:
    save_picture(folder / "p/a/1.png")
    save_picture(folder / "p/c/2.png")
    (folder / "p/b").mkdir(mode=0)

    results = list(colours.tag("p"))

    assert [result.path for result in results] == ["p/a/1.png", "p/b/", "p/c/2.png"]
    assert isinstance(results[1], Failed)
    assert results[1].reason == "permission denied"


def test_a_link_that_leads_nowhere_and_a_missing_folder_are_failures(
    folder: Path, colours: Tagger
) -> None:
    (result,) = colours.tag(folder / "nowhere")

    assert isinstance(result, Failed)
    assert result.reason == "no such file or directory"


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_of_the_page_runs(
    number: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "samples" / "festival", folder / "posters")
    shutil.copy(ROOT / "samples" / "gunfight-at-dry-creek.jpg", folder / "heat.jpg")

    exec(compile(EXAMPLES[number], f"example {number}", "exec"), {})

    assert capsys.readouterr().out != ""


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == 4
