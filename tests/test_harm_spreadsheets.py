"""Tables that spreadsheets return are read alike by every command, or the cause is named.

The harm: decimal commas, UTF-16, zeros eaten from ids, another case of an extension or tags joined
by commas, and a command reads half of the table, takes "Drama, Comedy" for one tag, or leaves a
person with "is damaged".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from commands import TREE, Ran
from pictures import save_picture

Run = Callable[..., Ran]

WIDE = (
    "path,tags,error,red,green,blue,N/A\n"
    "p/a.png,red,,0.9000,0.1000,0.2000,0.1000\n"
    "p/b.png,,broken,,,,\n"
    "p/c.png,blue|green,,0.1000,0.6000,0.7000,0.1000\n"
)
TAGGED = b"path,tags,error\np/a.png,red,\np/b.png,,broken\np/c.png,blue|green,\n"


def semicolons(text: str) -> str:
    """Write a table as in a country that writes a comma in numbers."""
    return text.replace(",", ";").replace(".", ",").replace(",png", ".png")


#: What programs make of :data:`WIDE`.
SAVED = {
    "UTF-16 with tabs": WIDE.replace(",", "\t").replace("\n", "\r\n").encode("utf-16"),
    "UTF-16, big endian": b"\xfe\xff" + WIDE.encode("utf-16-be"),
    "UTF-16, semicolons, decimal commas": semicolons(WIDE).encode("utf-16"),
    "semicolons, decimal commas": semicolons(WIDE).encode("utf-8-sig"),
    "decimal commas in quotes": re.sub(r"0\.(\d{4})", r'"0,\1"', WIDE).encode(),
    "per cent": re.sub(r"0\.(\d)000", r"\g<1>0%", WIDE).encode(),
    "per cent with a comma": re.sub(r"0\.(\d)000", r'"\g<1>0,00 %"', WIDE).encode(),
    "fewer decimals": WIDE.replace("000", "").encode(),
    "exponents": WIDE.replace("0.1000", '"1,00E-01"').encode(),
    "columns and rows that are empty": re.sub("$", ",,", WIDE, flags=re.MULTILINE).encode()
    + b",,\n",
    "capitals": WIDE.replace("path,tags,error", "Path,Tags,ERROR").encode(),
    "no column of errors": re.sub(
        r"^([^,]*,[^,]*),[^,]*",
        r"\1",
        WIDE.replace("p/b.png,,broken,,,,\n", ""),
        flags=re.MULTILINE,
    ).encode(),
}

#: Where training does not know which images have failed: other tables have columns of any name.
NO_LABELS = {"capitals", "no column of errors"}


@pytest.fixture
def library(folder: Path) -> Path:
    """Return a folder with three images in ``p``."""
    for name in ("a", "b", "c"):
        save_picture(folder / f"p/{name}.png")
    return folder


@pytest.fixture
def retag(tagger: Run, tiny_model: Path) -> Run:
    """Return a function that runs ``tagger retag ARGUMENTS`` with the tiny model."""
    return lambda *arguments, **given: tagger("retag", *arguments, "--model", tiny_model, **given)


@pytest.mark.parametrize("case", SAVED)
def test_retag_and_apply_read_a_table_as_a_spreadsheet_saved_it(
    library: Path, tagger: Run, retag: Run, case: str
) -> None:
    Path("t.csv").write_bytes(SAVED[case])
    expected = TAGGED
    if case == "no column of errors":
        expected = TAGGED.replace(b"p/b.png,,broken\n", b"")

    tags = retag("t.csv", "--layout", "list", "-q")
    piped = retag("-", "--layout", "list", "-q", stdin=SAVED[case])
    shown = tagger("apply", "t.csv", "--dry-run", "-q")

    assert (tags.stdout, tags.stderr) == (expected, "")
    assert piped.stdout == expected
    assert (shown.code, shown.stdout) == (0, b"p/a.png: +red\np/c.png: +blue +green\n")


@pytest.mark.parametrize("case", sorted(SAVED.keys() - NO_LABELS))
def test_training_reads_a_table_as_a_spreadsheet_saved_it(library: Path, case: str) -> None:
    from tagger_training.labels import read_labelled_set

    (library / "t.csv").write_bytes(SAVED[case])

    labelled = read_labelled_set(library / "t.csv", library)

    assert labelled.labels == ("blue", "green", "red")
    assert labelled.targets.tolist() == [[0, 0, 1], [1, 1, 0]]


@pytest.mark.parametrize("bad", ["6,234", "6234", "0.5.1", "1. Dez", "-0.1", "200%", "nan"])
def test_a_number_that_a_spreadsheet_spoiled_is_shown_beside_one_that_is_right(
    library: Path, retag: Run, bad: str
) -> None:
    Path("t.csv").write_text(WIDE.replace("0.7000", f'"{bad}"'))

    assert retag("t.csv", "-q") == Ran(
        3,
        WIDE[: WIDE.index("p/c")].encode(),
        f"tagger: t.csv is damaged: row 3 has no probability for 'blue', but '{bad}' where a "
        "number such as 0.6234 belongs.\n",
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (WIDE.encode("utf-16-le"), "is in UTF-16 without a byte order mark"),
        (WIDE.encode("utf-16-be"), "is in UTF-16 without a byte order mark"),
        (WIDE.encode("utf-32"), "is in UTF-32"),
    ],
)
def test_an_encoding_that_cannot_be_told_is_named(
    library: Path, tagger: Run, retag: Run, content: bytes, why: str
) -> None:
    from tagger_training.labels import read_labelled_set

    from tagger.errors import DataError

    Path("t.csv").write_bytes(content)
    sentence = f"t.csv {why}: save it as .xlsx, or as CSV in UTF-8."

    assert retag("t.csv") == Ran(3, b"", f"tagger: {sentence}\n")
    assert tagger("apply", "t.csv", "--dry-run") == Ran(3, b"", f"tagger: {sentence}\n")
    with pytest.raises(DataError, match=re.escape(sentence)):
        read_labelled_set(Path("t.csv"), library)


def test_utf_16_that_is_torn_is_damage(library: Path, tagger: Run) -> None:
    Path("t.csv").write_bytes(WIDE.encode("utf-16") + b"\x00")

    assert tagger("apply", "t.csv", "--dry-run") == Ran(
        3,
        b"",
        "tagger: t.csv is damaged: it is not valid UTF-16; in a spreadsheet program, save it as "
        "CSV in UTF-8.\n",
    )


@pytest.mark.parametrize("separator", [", ", ",", "; "])
def test_tags_that_are_joined_otherwise_are_named_with_an_example(
    library: Path, tagger: Run, separator: str
) -> None:
    from tagger_training.labels import read_labelled_set

    from tagger.errors import DataError

    cell = f"Drama{separator}Comedy"
    Path("t.csv").write_text(
        f'path,tags\np/a.png,"{cell}"\np/b.png,"Drama{separator}Crime"\np/c.png,\n'
    )

    assert tagger("apply", "t.csv", "--dry-run") == Ran(
        3,
        b"",
        "tagger: t.csv: tags are joined by '|', so for p/a.png write Drama|Comedy, or "
        f"{cell}| if that is one tag.\n",
    )
    with pytest.raises(DataError) as refused:
        read_labelled_set(Path("t.csv"), library)
    assert str(refused.value) == (
        "t.csv: tags are joined by '|', so for p/a.png write Drama|Comedy, or pass --separator; "
        f"{cell}| is one tag."
    )


def test_the_labels_of_a_model_tell_how_tags_are_joined(library: Path) -> None:
    from tagger_training.labels import read_labelled_set

    from tagger.errors import DataError

    Path("t.csv").write_text('path,tags\np/a.png,"red, blue"\n')

    with pytest.raises(DataError, match=re.escape("for p/a.png write red|blue")):
        read_labelled_set(Path("t.csv"), library, labels=["red", "green", "blue"])


def test_a_tag_with_a_comma_is_a_tag(library: Path, tagger: Run) -> None:
    from tagger_training.labels import read_labelled_set

    Path("t.csv").write_text('path,tags\np/a.png,"Paris, France|"\np/b.png,"Lyon, France|"\n')

    assert read_labelled_set(Path("t.csv"), library).labels == ("Lyon, France", "Paris, France")
    shown = tagger("apply", "t.csv", "--dry-run", "-q").stdout
    assert shown == b"p/a.png: +Paris, France\np/b.png: +Lyon, France\n"


# Ids and names of columns, in training.


def notices(labelled: object) -> list[str]:
    return [str(notice) for notice in labelled.notices]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("file", "given"),
    [
        ("0042.png", "42"),
        ("0042.png", "42.0"),
        ("0042.png", "42,0"),
        ("q/007.PNG", "7"),
        ("IMG_1.JPG", "IMG_1.jpg"),
        ("img_1.jpg", "IMG_1.JPG"),
        ("q/img_1.jpg", "C:\\photos\\Q\\IMG_1.JPG"),
        ("Heat.jpg", "heat"),
    ],
)
def test_an_id_is_found_as_a_spreadsheet_spells_it(folder: Path, file: str, given: str) -> None:
    from tagger_training.labels import read_labelled_set

    save_picture(folder / "images" / file)
    (folder / "l.csv").write_text(f'id,red\n"{given}",1\n')

    labelled = read_labelled_set(folder / "l.csv", folder / "images")

    assert labelled.files == (folder / "images" / file,)
    assert notices(labelled) == [
        f"1 id found in another spelling: {given} ({file.rpartition('/')[2]})"
    ]


def test_an_image_that_has_an_id_has_no_other(folder: Path) -> None:
    from tagger_training.labels import read_labelled_set

    for name in ("042", "7", "a"):
        save_picture(folder / "images" / f"{name}.png")
    (folder / "l.csv").write_text("id,red\n42,1\n0042,0\n7,1\n07,0\na,1\nA,0\n")

    labelled = read_labelled_set(folder / "l.csv", folder / "images")

    assert [file.name for file in labelled.files] == ["042.png", "7.png", "a.png"]
    assert labelled.targets.tolist() == [[1], [1], [1]]
    assert notices(labelled) == [
        "1 id found in another spelling: 42 (042.png)",
        "3 ids skipped (no such image): 0042, 07, A",
    ]


def test_an_id_that_may_mean_several_images_means_none(folder: Path) -> None:
    from tagger_training.labels import read_labelled_set

    for name in ("01", "001", "b"):
        save_picture(folder / "images" / f"{name}.png")
    (folder / "l.csv").write_text("id,red\n1,1\nb,1\n")

    labelled = read_labelled_set(folder / "l.csv", folder / "images")

    assert [file.name for file in labelled.files] == ["b.png"]
    assert notices(labelled) == ["1 id skipped (several images have that name): 1"]


@pytest.mark.parametrize("given", ["1.23457E+11", "1,23457E+11", "1.2E+12"])
def test_an_id_that_a_spreadsheet_rounded_is_named_with_both_sides(
    folder: Path, given: str
) -> None:
    from tagger_training.labels import read_labelled_set

    from tagger.errors import DataError

    save_picture(folder / "images/123456789012.png")
    (folder / "l.csv").write_text(f'id,red\n"{given}",1\n')

    with pytest.raises(DataError) as refused:
        read_labelled_set(folder / "l.csv", folder / "images")

    assert str(refused.value) == (
        f"The only id in {folder / 'l.csv'} does not match an image below {folder / 'images'}: a "
        f"spreadsheet has rounded ids, such as {given}, where an image is called "
        "123456789012.png; format that column as text before you fill it."
    )


@pytest.mark.parametrize("column", ["label", "category", "Genre", "tag", "class"])
def test_a_column_of_labels_is_read_whatever_it_is_called(folder: Path, column: str) -> None:
    from tagger_training.labels import read_labelled_set

    for name in ("a", "b", "c"):
        save_picture(folder / f"images/{name}.png")
    (folder / "l.csv").write_text(f"file,{column}\na,Drama\nb,Crime|Drama\nc,\na,Comedy\n")

    labelled = read_labelled_set(folder / "l.csv", folder / "images")

    assert labelled.ids == ("a", "b", "c")
    assert labelled.labels == ("Comedy", "Crime", "Drama")
    assert labelled.targets.tolist() == [[1, 0, 1], [0, 1, 1], [0, 0, 0]]


def test_columns_of_0_and_1_come_before_a_column_of_labels(folder: Path) -> None:
    from tagger_training.labels import read_labelled_set

    save_picture(folder / "images/a.png")
    save_picture(folder / "images/b.png")
    (folder / "l.csv").write_text('id,category,red\na,films,"1,0"\nb,films,"0,00"\n')

    labelled = read_labelled_set(folder / "l.csv", folder / "images")

    assert (labelled.labels, labelled.targets.tolist()) == (("red",), [[1], [0]])
    assert notices(labelled) == ["1 column skipped (not 0/1): category (2 other values)"]


@pytest.mark.parametrize("column", ["label", "Category", "genres"])
def test_apply_names_the_column_that_may_be_meant(library: Path, tagger: Run, column: str) -> None:
    Path("t.csv").write_text(f"path,{column}\np/a.png,red\n")
    Path("u.csv").write_text("File,tags\np/a.png,red\n")

    assert tagger("apply", "t.csv", "--dry-run").stderr == (
        f"tagger: t.csv has no column 'tags', but '{column}': rename that to 'tags'.\n"
    )
    assert tagger("apply", "u.csv", "--dry-run").stderr == (
        "tagger: u.csv has no column 'path', but 'File': rename that to 'path'.\n"
    )


# pandas.


def test_the_recipe_of_readme_keeps_numbers_numbers(
    folder: Path, tag: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_picture(folder / "p/NA.png", "red")
    (folder / "p/broken.png").write_text("no image")
    tag("p", "-o", "tags.csv", "--columns", "title", "--rename", "red=NA", "-q")
    text = (TREE / "README.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"```python\n(import pandas.*?)```", text, re.DOTALL)
    names: dict[str, pd.DataFrame] = {}

    exec(recipe, names)

    table, genres = names["table"], names["genres"]
    assert {str(table[label].dtype) for label in ("red", "green", "blue", "N/A")} == {"float64"}
    assert table["path"][table["red"] > 0.5].tolist() == ["p/NA.png"]
    assert table["title"].tolist() == ["NA", "broken"]
    assert genres.to_dict("list") == {"NA": [1, 0]}
