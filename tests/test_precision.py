"""How sure a tag must be: ``--precision``, and images that get no tag because nothing is sure."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Argument, Ran
from pictures import save_picture
from tiny_model import CARD, changed_card, write_model

from tagger import Tagger
from tagger.errors import UsageError

Tag = Callable[..., Ran]

#: Green cannot reach 0.8, and nothing can reach 0.9.
STEERED = changed_card(
    precision_thresholds={
        0.5: (0.1, 0.2, 0.3, None),
        0.8: (0.6, None, 0.7, None),
        0.9: (None, None, None, 0.1),
    },
    unsure=0.3,
)

PROMISE = (
    "By the model's validation, at least {} of the tags of each label that can reach it are right; "
    "1 label cannot: green."
)


@pytest.fixture
def steered(folder: Path) -> Path:
    """Return a model with thresholds for three precisions; beside it, ``p`` with three images."""
    save_picture(folder / "p/a.png", (153, 255, 153))  # 0.6, 1, 0.6
    save_picture(folder / "p/b.png", (51, 64, 0))  # 0.2, 0.251, 0
    save_picture(folder / "p/c.png", (0, 102, 0))  # 0, 0.4, 0
    return write_model(folder / "steered.onnx", STEERED)


@pytest.fixture
def surely(steered: Path, tagger: Tag) -> Tag:
    """Return a function that tags with that model."""

    def run(*arguments: Argument) -> Ran:
        return tagger("tag", *arguments, "--model", steered, "--device", "cpu")

    return run


def tags_of(ran: Ran) -> list[str]:
    return [row.split(",")[1] for row in ran.rows()]


@pytest.mark.parametrize(
    ("options", "tags"),
    [
        ([], ["green|red|blue", "", "green"]),
        (["--min-tags", "1"], ["green|red|blue", "green", "green"]),
        (["--min-tags", "0"], ["green|red|blue", "", ""]),
        (["--threshold", "0.2"], ["green|red|blue", "green|red", "green"]),
        (["--precision", "0.5"], ["green|red|blue", "green|red", "green"]),
        (["--precision", "0.8"], ["red", "", ""]),
        # Between two, the stricter.
        (["--precision", "0.6"], ["red", "", ""]),
        (["--precision", "0.8", "--threshold", "Green=0.9"], ["green|red", "", ""]),
        (["--precision", "0.8", "--min-tags", "1"], ["red", "green", "green"]),
    ],
)
def test_tags_are_as_sure_as_was_asked(
    steered: Path, surely: Tag, options: list[str], tags: list[str]
) -> None:
    assert tags_of(surely("p", *options)) == tags


def test_a_precision_says_what_it_promises_and_what_cannot_be_had(
    steered: Path, surely: Tag
) -> None:
    first = surely("p", "--precision", "0.8").stderr.splitlines()[0]
    assert first == PROMISE.format("80%")
    assert PROMISE.format("60%") in surely("p", "--precision", "0.6").stderr
    everything = surely("p", "--precision", "0.5").stderr.splitlines()[0]
    assert everything == (
        "By the model's validation, at least 50% of the tags of each label are right."
    )
    silent = surely("p", "--precision", "0.8", "--quiet")
    assert silent.stderr == ""
    ignored = surely("p", "--precision", "0.8", "--ignore", "green")
    assert "cannot" not in ignored.stderr


def test_retag_takes_a_precision_too(steered: Path, surely: Tag, tagger: Tag) -> None:
    surely("p", "-o", "t.csv")
    ran = tagger("retag", "t.csv", "--model", steered, "--precision", "0.8")
    assert tags_of(ran) == ["red", "", ""]
    assert PROMISE.format("80%") in ran.stderr


def test_a_run_is_only_resumed_with_its_precision(steered: Path, surely: Tag) -> None:
    surely("p", "-o", "t.csv", "--precision", "0.8")
    refused = surely("p", "-o", "t.csv", "--resume")
    assert refused.code == 2
    assert refused.stderr == (
        "tagger: --resume cannot continue t.csv: that run used --precision 0.8; this one uses "
        "no --precision: pass the same, or start over with --overwrite.\n"
    )
    assert surely("p", "-o", "t.csv", "--precision", "0.8", "--resume").code == 0


def test_a_number_of_tags_that_was_asked_for_is_not_the_default(steered: Path, surely: Tag) -> None:
    surely("p", "-o", "t.csv", "--min-tags", "1")
    refused = surely("p", "-o", "t.csv", "--resume")
    assert refused.stderr == (
        "tagger: --resume cannot continue t.csv: that run used --min-tags 1; this one uses the "
        "default (1, if not below 0.3): pass the same, or start over with --overwrite.\n"
    )


def test_the_manifest_of_a_former_model_has_nothing_new(
    folder: Path, tag: Tag, tiny_model: Path
) -> None:
    save_picture(folder / "p/a.png")
    tag("p", "-o", "t.csv")
    (manifest,) = folder.glob("*t.csv*.json")
    options = json.loads(manifest.read_text(encoding="utf-8"))["options"]
    assert "--precision" not in options
    assert options["--min-tags"] == 1


def test_the_summary_counts_images_of_which_the_model_is_unsure(steered: Path, surely: Tag) -> None:
    ran = surely("p", "--summary", "s.json", "-o", "t.csv")
    assert "1 image has no tags: no label is likely enough." in ran.stderr.splitlines()
    summary = json.loads(Path("s.json").read_text(encoding="utf-8"))
    assert (summary["tagged"], summary["unsure"]) == (3, 1)
    # The file is known as a summary, and may be replaced.
    again = surely(
        "p", "--summary", "s.json", "-o", "t.csv", "--overwrite",
        "--min-tags", "1",
    )  # fmt: skip
    assert "no tags" not in again.stderr
    assert "unsure" not in json.loads(Path("s.json").read_text(encoding="utf-8"))


def test_the_summary_of_a_former_model_has_nothing_new(folder: Path, tag: Tag) -> None:
    save_picture(folder / "p/a.png", (0, 0, 0))
    tag("p", "--summary", "s.json", "-o", "t.csv", "--min-tags", "0")
    assert "unsure" not in json.loads(Path("s.json").read_text(encoding="utf-8"))


def test_info_shows_what_can_be_steered(steered: Path, tagger: Tag) -> None:
    lines = tagger("info", steered).stdout.decode().splitlines()
    assert "tags        at least 1 (none below 0.30), at most 3" in lines
    assert "labels that reach --precision 0.5: 3, 0.8: 2, 0.9: 0" in lines


def test_info_shows_no_accuracy_on_images_that_a_model_was_trained_on(
    folder: Path, tagger: Tag
) -> None:
    check = {"images": 9, "fp32_macro_ap": 0.7, "macro_ap": 0.6, "other_tags": 0.1}
    for images, figures in ((0, "images 9, other_tags 0.1"), (9, "images 9, fp32_macro_ap 0.7")):
        provenance = {"validation_images": images, "precision_check": check}
        model = write_model(folder / "m.onnx", changed_card(provenance=provenance))
        (line,) = (
            line
            for line in tagger("info", model).stdout.decode().splitlines()
            if line.startswith("precision check: ")
        )
        assert line.startswith(f"precision check: {figures}")
        shown = json.loads(tagger("info", model, "--json").stdout)["provenance"]
        assert ("macro_ap" in shown["precision_check"]) == (images > 0)


def test_python_programs_may_ask_for_a_precision(steered: Path) -> None:
    def tags(**options: object) -> list[list[str]]:
        tagger = Tagger(steered, "cpu", **options)
        return [[tag.name for tag in result.tags] for result in tagger.tag("p")]

    assert tags() == [["green", "red", "blue"], [], ["green"]]
    assert tags(precision=0.8) == [["red"], [], []]
    assert tags(precision=0.8, thresholds={"green": 0.9}) == [["green", "red"], [], []]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": 2}, "precision: 2 is not a number from 0 to 1."),
        ({"precision": "0.8"}, "precision: '0.8' is not a number from 0 to 1."),
        (
            {"precision": 0.95},
            "precision 0.95: the model colours 1.2 has thresholds for precisions from 0.5 to 0.9.",
        ),
        (
            {"precision": 0.8, "thresholds": 0.3},
            "precision chooses the thresholds of all labels, and so does thresholds: choose one.",
        ),
    ],
)
def test_python_programs_are_told_what_is_wrong(
    steered: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError) as refused:
        Tagger(steered, "cpu", **options)  # type: ignore[arg-type]
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            ["--precision", "0.9"],
            " 0.9: no label of the model colours 1.2 can reach it: choose a lower one.",
        ),
        (
            ["--precision", "0.8", "--threshold", "0.3"],
            " chooses the thresholds of all labels, and so does --threshold: choose one.",
        ),
    ],
)
def test_what_cannot_be_had_is_wrong_usage(
    steered: Path, surely: Tag, options: list[str], problem: str
) -> None:
    ran = surely("p", *options)
    assert (ran.code, ran.stderr) == (2, f"tagger: --precision{problem}\n")


def test_a_card_of_an_earlier_version_has_no_precisions() -> None:
    assert "precision_thresholds" not in CARD.to_json()
    assert "unsure" not in CARD.to_json()
    assert '"precision_thresholds": {"0.5": [0.1, 0.2, 0.3, null], ' in STEERED.to_json()
    assert type(STEERED).from_json(STEERED.to_json()) == STEERED
