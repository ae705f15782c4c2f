"""What is no labelled set is refused in one sentence that names the table and what it lacks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tagger_training.labels import LabelledSet, read_labelled_set

from tagger.errors import DataError, UsageError

pytest_plugins = ("training_fixtures",)

Reader = Callable[..., LabelledSet]


def test_a_table_that_is_not_utf8_is_refused(read_labels: Reader, tmp_path: Path):
    with pytest.raises(DataError) as refused:
        read_labels("id,Comédie\nheat,1\n".encode("latin-1"))
    assert str(refused.value) == (
        f"{tmp_path / 'labels.csv'} is damaged: line 1 is not UTF-8; in a spreadsheet program, "
        "save it as CSV in UTF-8."
    )


def test_a_missing_table_is_refused(tmp_path: Path, posters: Path):
    with pytest.raises(DataError) as refused:
        read_labelled_set(tmp_path / "none.csv", posters)
    assert (
        str(refused.value) == f"{tmp_path / 'none.csv'} cannot be read: no such file or directory."
    )


def test_a_missing_image_folder_is_refused(tmp_path: Path):
    (tmp_path / "labels.csv").write_text("id,Drama\nheat,1\n")
    with pytest.raises(DataError) as refused:
        read_labelled_set(tmp_path / "labels.csv", tmp_path / "none")
    assert str(refused.value) == f"{tmp_path / 'none'} is not a folder."


HEADER = "needs a header of at least two columns with different names."


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, HEADER),
        ("id\nheat\n", {}, HEADER),
        ("id,Drama,Drama\nheat,1,1\n", {}, HEADER),
        ("id,Drama\nheat,1\n", {"id_column": "file"}, "has no column 'file'; it has id, Drama."),
        ("id,Drama\nheat,1\n", {"tags_column": "x"}, "has no column 'x'; it has id, Drama."),
        ("id,Year\nheat,1995\n", {}, "has no labels: neither 0/1 columns nor a column 'tags'."),
        (
            "path,tags,error\nheat,,\n",
            {},
            "has no labels: neither 0/1 columns nor a column 'tags'.",
        ),
        ("id,Drama\nheat,1,0\n", {}, "is damaged: row 1 has 3 cells instead of 2."),
        ("id,Year,Drama\nheat,1995,1\nbig", {}, "is damaged: its last line is cut off."),
    ],
)
def test_an_unusable_table_is_one_sentence(
    read_labels: Reader, tmp_path: Path, text: str, options: dict[str, str], message: str
):
    with pytest.raises(DataError) as refused:
        read_labels(text, **options)
    assert str(refused.value) == f"{tmp_path / 'labels.csv'} {message}"


@pytest.mark.parametrize(("text", "count"), [("id,Drama\n", 0), ("id,Drama\na,1\nb,0\n", 2)])
def test_a_table_without_images_is_refused(
    read_labels: Reader, tmp_path: Path, posters: Path, text: str, count: int
):
    with pytest.raises(DataError) as refused:
        read_labels(text)
    assert str(refused.value) == (
        f"None of the {count} ids in {tmp_path / 'labels.csv'} matches an image below {posters}"
        + (": the table has a, an image is called big.PNG." if count else ".")
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("id,path,Drama\nheat,1,1\n", "the label 'path' is the name of a column of the table"),
        ("id,Sci|Fi\nheat,1\n", "the label 'Sci|Fi' contains '|', which separates tags"),
        (
            "id, Drama\nheat,1\n",
            "the label ' Drama' begins or ends with a space or has unprintable characters",
        ),
        ("id,\nheat,1\n", "a label is empty"),
        ("id,tags\nheat,a;error\n", "the label 'error' is the name of a column of the table"),
    ],
)
def test_a_label_that_no_table_could_hold_is_refused(
    read_labels: Reader, tmp_path: Path, text: str, problem: str
):
    with pytest.raises(DataError) as refused:
        read_labels(text, separator=";")
    assert str(refused.value) == f"{tmp_path / 'labels.csv'}: {problem}."


def test_an_empty_separator_is_refused(read_labels: Reader):
    with pytest.raises(UsageError) as refused:
        read_labels("id,tags\nheat,Drama\n", separator="")
    assert str(refused.value) == "The separator between tags cannot be empty."


def test_a_model_that_shares_no_label_is_refused(read_labels: Reader):
    with pytest.raises(DataError) as refused:
        read_labels("id,a,b\nheat,1,1\n", labels=tuple("uvwxyz"))
    assert str(refused.value) == (
        "The table and the model have no label in common: the table has a, b; "
        "the model has u, v, w, x, y, …."
    )


def test_tags_that_are_joined_otherwise_are_refused(read_labels: Reader, tmp_path: Path):
    with pytest.raises(DataError) as refused:
        read_labels('path,tags\nheat,"Drama, Crime"\nbig,Drama\nold/jaws,Crime\n')
    assert str(refused.value) == (
        f"{tmp_path / 'labels.csv'}: tags are joined by '|', so for heat write Drama|Crime, or "
        "pass --separator; Drama, Crime| is one tag."
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("id,Drama\nheat,1\n".encode("utf-32"), "in UTF-32"),
        ("id,Drama\nheat,1\n".encode("utf-16-le"), "in UTF-16 without a byte order mark"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
    ],
)
def test_a_spreadsheet_of_another_format_is_refused(
    read_labels: Reader, tmp_path: Path, content: bytes, what: str
):
    with pytest.raises(DataError) as refused:
        read_labels(content)
    assert str(refused.value) == (
        f"{tmp_path / 'labels.csv'} is {what}: save it as .xlsx, or as CSV in UTF-8."
    )
