"""Wrong usage and hopeless cases: the exit code and the whole message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ran
from pictures import save_picture
from tiny_model import write_model

from tagger import __version__

Run = Callable[..., Ran]

USAGE, CANNOT_GO_ON = 2, 3

FORMATS = "'csv', 'tsv', 'jsonl', 'parquet', 'xlsx'"
NO_FORMAT = "use .csv, .tsv, .jsonl, .parquet or .xlsx, or say --format."
NO_MODEL = "cannot be opened as a model: it is damaged, or no ONNX file."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Say what to tag: a folder, images, or - for a list on stdin."),
        (["nowhere"], "There is no file or folder 'nowhere'."),
        (["p", "p/nowhere.jpg"], "There is no file or folder 'p/nowhere.jpg'."),
        (["p", "--files-from", "list"], "The list list cannot be read: no such file or directory."),
        (["p", "--files-from", "p"], "The list p cannot be read: is a directory."),
        (["p", "--zzz"], "No such option: --zzz."),
        (
            ["p", "-f", "ods"],
            f"Invalid value for '-f' / '--format': 'ods' is not one of {FORMATS}.",
        ),
        (["p", "--ignore", "gren"], "The model has no label 'gren': did you mean green?"),
        (
            ["p", "--ignore", "Horror"],
            "The model has no label 'Horror': it has red, green, blue, N/A.",
        ),
        (["p", "--threshold", "rde=0.5"], "The model has no label 'rde': did you mean red?"),
        (["p", "--rename", "blu=sky"], "The model has no label 'blu': did you mean blue?"),
        (
            ["p", "--threshold", "50"],
            "--threshold 50: give a probability from 0 to 1, or LABEL=PROBABILITY.",
        ),
        (
            ["p", "--threshold", "red=-0.1"],
            "--threshold red=-0.1: give a probability from 0 to 1, or LABEL=PROBABILITY.",
        ),
        (
            ["p", "--threshold", "red=nan"],
            "--threshold red=nan: give a probability from 0 to 1, or LABEL=PROBABILITY.",
        ),
        (
            ["p", "--threshold", "red"],
            "--threshold red: give a probability from 0 to 1, or LABEL=PROBABILITY.",
        ),
        (["p", "--rename", "red"], "--rename red: give OLD=NEW."),
        (
            ["p", "--rename", "red= "],
            "--rename red= : the new name must be printable text without '|'.",
        ),
        (
            ["p", "--rename", "red=a|b"],
            "--rename red=a|b: the new name must be printable text without '|'.",
        ),
        (["p", "--min-tags", "3", "--max-tags", "2"], "--min-tags 3 is more than --max-tags 2."),
        (
            ["p", "--device", "gpu"],
            (
                "There is no device 'gpu': use auto, cpu, openvino, cuda, cuda:N, tensorrt, or "
                "several of one kind such as cuda:0,cuda:1."
            ),
        ),
        (
            ["p", "-o", "t.ods"],
            f"-o t.ods: no table format has the ending '.ods': {NO_FORMAT}",
        ),
        (
            ["p", "-o", "table"],
            f"-o table: no table format has the ending '': {NO_FORMAT}",
        ),
        (["p", "-o", "p/a.PNG"], "-o p/a.PNG: a table does not go into an image file."),
        (
            ["p", "-o", "p/a.png", "-f", "csv"],
            "-o p/a.png: a table does not go into an image file.",
        ),
    ],
)
def test_wrong_usage_is_one_sentence(
    folder: Path, tagger: Run, tiny_model: Path, arguments: list[str], message: str
) -> None:
    picture = save_picture(folder / "p/a.png")
    content = picture.read_bytes()

    ran = tagger("tag", "--model", tiny_model, *arguments)

    assert ran == Ran(USAGE, b"", f"tagger: {message}\n")
    assert [file for file in folder.rglob("*") if file.is_file()] == [picture]
    assert picture.read_bytes() == content


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "m.onnx"], "There is no model file m.onnx."),
        (
            ["--model", "foreign.onnx"],
            "foreign.onnx is an ONNX file without a model card: make one with 'tagger export'.",
        ),
        (
            ["--model", "p/a.png"],
            f"p/a.png {NO_MODEL}",
        ),
        (["-o", "p", "-f", "csv"], "p cannot be written: is a directory."),
        (["--summary", "p"], "p cannot be written: is a directory."),
        (
            ["--sidecar", "txt", "--sidecar-dir", "p/a.png"],
            "--sidecar-dir p/a.png is a file, not a folder.",
        ),
    ],
)
def test_what_cannot_go_on_says_so_in_one_sentence(
    folder: Path, tagger: Run, tiny_model: Path, arguments: list[str], message: str
) -> None:
    save_picture(folder / "p/a.png")
    write_model(folder / "foreign.onnx", None)
    model = [] if "--model" in arguments else ["--model", tiny_model, "--device", "cpu"]

    ran = tagger("tag", "p", "-q", *model, *arguments)

    assert (ran.code, ran.stderr) == (CANNOT_GO_ON, f"tagger: {message}\n")


def test_a_list_that_needs_null_says_so(folder: Path, tag: Run) -> None:
    save_picture(folder / "a.png")

    ran = tag("-", stdin=b"a.png\0b.png\0")

    assert ran == Ran(USAGE, b"", "tagger: The list - is NUL-separated: add -0.\n")


def test_a_summary_that_cannot_be_written_is_said_before_the_work(folder: Path, tag: Run) -> None:
    save_picture(folder / "a.png")

    ran = tag("a.png", "--quiet", "--summary", "no/summary.json")

    assert ran == Ran(
        CANNOT_GO_ON,
        b"",
        f"tagger: no/summary.json cannot be written: there is no folder {folder}/no.\n",
    )


def test_a_missing_output_folder_is_named(folder: Path, tag: Run) -> None:
    save_picture(folder / "a.png")

    ran = tag("a.png", "-o", "no/t.csv", "--quiet")

    assert ran == Ran(
        CANNOT_GO_ON,
        b"",
        f"tagger: no/t.csv cannot be written: there is no folder {folder}/no.\n",
    )


def test_a_model_whose_scores_are_no_probabilities_ends_the_run(folder: Path, tagger: Run) -> None:
    save_picture(folder / "a.png")
    write_model(folder / "m.onnx", divisor=0)

    ran = tagger("tag", "a.png", "--model", "m.onnx", "--device", "cpu", "-q", "-o", "t.csv")

    assert ran == Ran(
        CANNOT_GO_ON, b"", "tagger: m.onnx gives scores that are not probabilities.\n"
    )
    assert sorted(file.name for file in folder.iterdir()) == ["a.png", "m.onnx"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["xyzzy"], "No such command 'xyzzy'."), (["--xyzzy"], "No such option: --xyzzy.")],
)
def test_an_unknown_command_is_wrong_usage(tagger: Run, arguments: list[str], message: str) -> None:
    assert tagger(*arguments) == Ran(USAGE, b"", f"tagger: {message}\n")


def test_no_command_shows_help_on_stderr(tagger: Run) -> None:
    ran = tagger()

    assert (ran.code, ran.stdout) == (USAGE, b"")
    assert ran.stderr.startswith("Usage: tagger [OPTIONS] COMMAND [ARGS]...\n")


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_goes_to_stdout(tagger: Run, option: str) -> None:
    ran = tagger("tag", option)

    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.startswith(b"Usage: tagger tag [OPTIONS] ")


def test_the_version_is_printed(tagger: Run) -> None:
    assert tagger("--version") == Ran(0, f"poster-tagger {__version__}\n".encode(), "")
