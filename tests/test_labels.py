"""A table of labels and a folder of images → files and targets; what is left out is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tagger_training.labels import LabelledSet, Notice, read_labelled_set

pytest_plugins = ("training_fixtures",)

Reader = Callable[..., LabelledSet]


def rows(labelled: LabelledSet) -> dict[str, list[int]]:
    return dict(zip(labelled.ids, labelled.targets.tolist(), strict=True))


def notices(labelled: LabelledSet) -> list[str]:
    return [str(notice) for notice in labelled.notices]


# Which image an id names


def test_a_multi_hot_table_gives_files_and_targets(read_labels: Reader, posters: Path):
    labelled = read_labels("id,Action,Drama\nheat,1,1\njaws,0,1\nbig,0,0\n")
    assert labelled.files == (posters / "heat.jpg", posters / "old/jaws.webp", posters / "big.PNG")
    assert labelled.ids == ("heat", "jaws", "big")
    assert labelled.labels == ("Action", "Drama")
    assert labelled.targets.dtype == np.uint8
    assert labelled.targets.tolist() == [[1, 1], [0, 1], [0, 0]]
    assert labelled.notices == ()


@pytest.mark.parametrize(
    ("spelling", "file"),
    [
        ("heat.jpg", "heat.jpg"),
        ("./heat", "heat.jpg"),
        ("old/jaws", "old/jaws.webp"),
        ("old\\jaws.webp", "old/jaws.webp"),
        ("/elsewhere/posters/old/jaws.webp", "old/jaws.webp"),
        ("moved/jaws.webp", "old/jaws.webp"),
        ("up.v2", "old/up.v2.jpeg"),
        (" big ", "big.PNG"),
    ],
)
def test_an_id_may_be_a_name_or_a_path(
    read_labels: Reader, posters: Path, spelling: str, file: str
):
    assert read_labels(f"path,Drama\n{spelling},1\n").files == (posters / file,)


def test_an_id_of_bytes_that_are_no_text_is_found(read_labels: Reader, posters: Path):
    file = posters / "caf\udce9.jpg"
    file.touch()
    assert read_labels("path,tags\ncaf\\xe9.jpg,Drama\n").files == (file,)


def test_a_name_in_two_folders_is_left_out(read_labels: Reader, posters: Path):
    (posters / "new").mkdir()
    (posters / "new/jaws.jpg").touch()
    labelled = read_labels("id,Drama\njaws,1\nold/jaws,1\nheat,0\n")
    assert labelled.files == (posters / "old/jaws.webp", posters / "heat.jpg")
    assert notices(labelled) == ["1 id skipped (several images have that name): jaws"]


def test_a_path_from_elsewhere_tells_files_of_one_name_apart(read_labels: Reader, posters: Path):
    (posters / "new").mkdir()
    (posters / "new/jaws.webp").touch()
    labelled = read_labels("path,Drama\n/home/a/new/jaws.webp,1\nC:\\a\\old\\jaws,0\n")
    assert labelled.files == (posters / "new/jaws.webp", posters / "old/jaws.webp")


def test_a_name_with_two_endings_is_left_out(read_labels: Reader, posters: Path):
    (posters / "heat.png").touch()
    labelled = read_labels("id,Drama\nheat,1\nheat.png,1\n")
    assert labelled.files == (posters / "heat.png",)
    assert notices(labelled) == ["1 id skipped (several images have that name): heat"]


def test_labels_without_image_are_named(read_labels: Reader):
    labelled = read_labels(
        "id,Drama\n" + "".join(f"gone{i},1\n" for i in range(6)) + ",1\nheat,0\n"
    )
    assert labelled.ids == ("heat",)
    assert notices(labelled) == [
        "7 ids skipped (no such image): gone0, gone1, gone2, gone3, gone4, …"
    ]


def test_a_file_that_is_no_image_is_not_found(read_labels: Reader):
    assert notices(read_labels("id,Drama\nold/notes.txt,1\nheat,1\n")) == [
        "1 id skipped (no such image): old/notes.txt"
    ]


def test_of_a_repeated_id_the_first_row_counts(read_labels: Reader):
    labelled = read_labels("id,Action,Drama\nheat,1,0\nbig,0,0\nheat,0,1\n")
    assert rows(labelled) == {"heat": [1, 0], "big": [0, 0]}
    assert notices(labelled) == ["1 row skipped (duplicate id): heat"]


# Multi-hot columns


def test_columns_that_are_not_0_or_1_are_left_out_with_their_count(read_labels: Reader):
    labelled = read_labels(
        "id,Genre,Action,Year\n"
        "heat,\"['Action', 'Drama']\",1,1995\n"
        "jaws,\"['Drama']\",0,1\n"
        "big,\"['Comedy']\",0,1988\n"
    )
    assert labelled.labels == ("Action",)
    assert notices(labelled) == [
        "2 columns skipped (not 0/1): Genre (3 other values), Year (2 other values)"
    ]


def test_an_empty_cell_is_not_0(read_labels: Reader):
    labelled = read_labels("id,Action,Drama\nheat,1,\njaws,0,1\n")
    assert labelled.labels == ("Action",)
    assert notices(labelled) == ["1 column skipped (not 0/1): Drama (1 other value)"]


def test_truth_may_be_spelled_as_programs_spell_it(read_labels: Reader):
    labelled = read_labels("id,A,B,C\nheat,True,1.0, 1\nbig,FALSE,0.0,0 \n")
    assert rows(labelled) == {"heat": [1, 1, 1], "big": [0, 0, 0]}


def test_the_first_column_names_the_file_when_none_is_called_so(read_labels: Reader):
    assert rows(read_labels("poster,Drama\nheat,1\n")) == {"heat": [1]}


def test_the_id_column_can_be_chosen(read_labels: Reader):
    labelled = read_labels("id,poster,Drama\n7,heat,1\n", id_column="poster")
    assert rows(labelled) == {"heat": [1]}
    assert notices(labelled) == ["1 column skipped (not 0/1): id (1 other value)"]


# Columns of tags


def test_a_list_table_of_tagger_tag_is_read_labels(read_labels: Reader):
    labelled = read_labels(
        "path,tags,error\nheat.jpg,Drama|Action,\nbig.PNG,,\nold/jaws.webp,,damaged image: cut\n"
    )
    assert labelled.labels == ("Action", "Drama")
    assert rows(labelled) == {"heat.jpg": [1, 1], "big.PNG": [0, 0]}
    assert notices(labelled) == ["1 row skipped (marked as failed in the table): old/jaws.webp"]


def test_a_wide_table_of_tagger_tag_is_read_by_its_tags(read_labels: Reader):
    labelled = read_labels(
        "path,tags,error,Action,Drama\n"
        "heat.jpg,Drama,,0.1000,1.0000\n"
        "big.PNG,,the file is empty,,\n"
    )
    assert labelled.labels == ("Drama",)
    assert rows(labelled) == {"heat.jpg": [1]}
    assert notices(labelled) == ["1 row skipped (marked as failed in the table): big.PNG"]


LONG = """path,tag,score,error
heat.jpg,Action,0.9000,
old/jaws.webp,Drama,0.4000,
heat.jpg,Drama,,
big.PNG,,,
gone.jpg,,,the file is empty
"""


def test_a_long_table_of_tagger_tag_is_read_however_it_is_sorted(read_labels: Reader):
    labelled = read_labels(LONG)
    assert labelled.labels == ("Action", "Drama")
    assert rows(labelled) == {"heat.jpg": [1, 1], "old/jaws.webp": [0, 1], "big.PNG": [0, 0]}
    assert notices(labelled) == ["1 row skipped (marked as failed in the table): gone.jpg"]


def test_probabilities_that_look_like_0_and_1_are_no_labels(read_labels: Reader):
    labelled = read_labels("path,tags,error,Action,Drama\nheat.jpg,Noir,,1,0\nbig.PNG,Noir,,0,1\n")
    assert labelled.labels == ("Noir",)
    assert rows(labelled) == {"heat.jpg": [1], "big.PNG": [1]}


def test_a_tag_may_hold_a_comma(read_labels: Reader):
    labelled = read_labels('path,tags\nheat,"Drama, Crime|"\nbig,Drama|Crime\n')
    assert labelled.labels == ("Crime", "Drama", "Drama, Crime")


CORRECTED = [
    ("heat.jpg", "Drama|Noir", None, 0.75, 1.0),
    ("big.PNG", "", None, 1.0, 0.0),
    ("old/jaws.webp", "", "the file is empty", None, None),
]


def write_corrected(file: Path, layout: str) -> None:
    """Write the rows in the format of the file's ending, with the values that we would write."""
    columns = ["path", "tags", "error", "Action", "Drama"][: 3 if layout == "list" else 5]
    table = pd.DataFrame(CORRECTED, columns=["path", "tags", "error", "Action", "Drama"])[columns]
    write = {
        ".csv": lambda: table.to_csv(file, index=False),
        ".tsv": lambda: table.to_csv(file, index=False, sep="\t"),
        ".jsonl": lambda: table.to_json(file, orient="records", lines=True),
        ".parquet": lambda: table.to_parquet(file),
        ".xlsx": lambda: table.to_excel(file, index=False),
    }
    write[file.suffix]()


@pytest.mark.parametrize("layout", ["wide", "list"])
@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet", ".xlsx"])
def test_a_corrected_table_of_every_format_is_read_by_its_tags(
    tmp_path: Path, posters: Path, ending: str, layout: str
):
    write_corrected(tmp_path / f"labels{ending}", layout)
    labelled = read_labelled_set(tmp_path / f"labels{ending}", posters)
    assert labelled.labels == ("Drama", "Noir")
    assert rows(labelled) == {"heat.jpg": [1, 1], "big.PNG": [0, 0]}
    assert notices(labelled) == ["1 row skipped (marked as failed in the table): old/jaws.webp"]


def test_a_multi_hot_sheet_has_numbers(tmp_path: Path, posters: Path):
    table = pd.DataFrame({"id": ["heat", "big"], "A": [1, 0], "B": [0.0, 1.0], "C": [True, False]})
    table.to_excel(tmp_path / "labels.xlsx", index=False)
    assert rows(read_labelled_set(tmp_path / "labels.xlsx", posters)) == {
        "heat": [1, 0, 1],
        "big": [0, 1, 0],
    }


def test_tags_may_have_another_column_and_separator(read_labels: Reader):
    labelled = read_labels(
        'id,tags,genres\nheat,x,"Drama, Crime"\nbig,y," Comedy,"\n',
        tags_column="genres",
        separator=",",
    )
    assert labelled.labels == ("Comedy", "Crime", "Drama")
    assert rows(labelled) == {"heat": [0, 1, 1], "big": [1, 0, 0]}


# Files


def test_a_tsv_has_tabs(read_labels: Reader):
    assert rows(read_labels("id\ttags\nheat\tDrama, old\n", "labels.TSV")) == {"heat": [1]}


def test_a_table_of_another_country_has_semicolons(read_labels: Reader):
    labelled = read_labels(b"\xef\xbb\xbfpath;tags;error;Drama\r\nheat.jpg;Drama|Noir;;0,5\r\n")
    assert labelled.labels == ("Drama", "Noir")
    assert rows(labelled) == {"heat.jpg": [1, 1]}


def test_cells_that_excel_leaves_out_are_empty(read_labels: Reader):
    labelled = read_labels("path,tags,error\r\nheat.jpg,Drama\r\nbig.PNG\r\n")
    assert rows(labelled) == {"heat.jpg": [1], "big.PNG": [0]}


def test_a_byte_order_mark_is_no_part_of_the_first_column(read_labels: Reader):
    labelled = read_labels(b"\xef\xbb\xbfDrama,id\r\n1,heat\r\n")
    assert (labelled.labels, rows(labelled)) == (("Drama",), {"heat": [1]})


# Labels in a model's order


def test_targets_follow_the_labels_of_a_model(read_labels: Reader):
    labelled = read_labels(
        "id,Drama,Kaiju,Action\nheat,1,0,1\nbig,0,1,0\n", labels=("Action", "Comedy", "Drama")
    )
    assert labelled.labels == ("Action", "Comedy", "Drama")
    assert rows(labelled) == {"heat": [1, 0, 1], "big": [0, 0, 0]}
    assert notices(labelled) == [
        "1 label skipped (not in the model): Kaiju",
        "1 label treated as false everywhere (not in the table): Comedy",
    ]


# The set itself


def test_taking_images_keeps_rows_together_and_adds_the_notice(read_labels: Reader, posters: Path):
    labelled = read_labels("id,A,B\nheat,1,0\nbig,0,1\njaws,1,1\ngone,0,0\n")
    taken = labelled.take([2, 0], Notice("image", "skipped", ("big",)))
    assert taken.files == (posters / "old/jaws.webp", posters / "heat.jpg")
    assert rows(taken) == {"jaws": [1, 1], "heat": [1, 0]}
    assert notices(taken) == [
        "1 id skipped (no such image): gone",
        "1 image skipped: big",
    ]
