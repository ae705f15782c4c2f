"""Words are read off pictures as they stand there, at most once, and whatever the file is."""

from __future__ import annotations

import csv
import io
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import PATIENCE, Ran
from PIL import Image, ImageDraw, ImageFont

from tagger import Tagger
from tagger.decode.budget import ImageLimits
from tagger.errors import MissingExtraError, TaggerError
from tagger.network.devices import Device
from tagger.ocr.cache import WordCache, default_file
from tagger.ocr.characters import decode
from tagger.ocr.lines import MOST_LINES, find_lines
from tagger.ocr.reader import CERTAIN, MOST_CHARACTERS, Reader, joined
from tagger.results import ImageText, Stamp

#: Where `make` puts the package of the extra, so that it is there only for who asks.
EXTRA = Path(sys.prefix) / "formats"
needs_networks = pytest.mark.skipif(
    not (EXTRA / "rapidocr").is_dir() and not os.environ.get("TAGGER_TEST_READERS"),
    reason="rapidocr is not installed beside the others",
)

STAMP = Stamp(1, 2)
MISSING = (
    "--text ocr needs the 'ocr' extra (rapidocr is not installed): pip install 'poster-tagger[ocr]'"
)


def poster(*lines: str, size: tuple[int, int] = (300, 450), height: int = 36) -> Image.Image:
    """Return a picture with lines of white text on dark blue."""
    page = Image.new("RGB", size, (20, 30, 70))
    pen = ImageDraw.Draw(page)
    for place, line in enumerate(lines):
        middle = (size[0] / 2, size[1] * (place + 1) / (len(lines) + 1))
        pen.text(middle, line, "white", ImageFont.load_default(height), anchor="mm")
    return page


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Reader]]:
    """Return a function that makes readers, with those options."""
    monkeypatch.syspath_prepend(str(EXTRA))
    made: list[Reader] = []

    def make(**options: object) -> Reader:
        made.append(Reader(Device("cpu"), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


# Pictures


@needs_networks
@pytest.mark.parametrize("size", [(120, 180), (300, 450), (2000, 3000)], ids=str)
def test_lines_are_read_from_top_to_bottom_at_any_size(
    size: tuple[int, int], reader: Callable[..., Reader], tmp_path: Path
):
    page = poster("MIDNIGHT", "EXPRESS", "1978", size=size, height=size[0] // 8)
    page.save(tmp_path / "poster.png")
    assert reader().words(str(tmp_path / "poster.png")) == "MIDNIGHT EXPRESS 1978"


@needs_networks
def test_pieces_of_one_row_are_read_from_left_to_right(
    reader: Callable[..., Reader], tmp_path: Path
):
    page = poster("WAR", size=(300, 450), height=40)
    pen = ImageDraw.Draw(page)
    pen.text((20, 60), "RIGHT", "white", ImageFont.load_default(28))
    pen.text((190, 55), "LEFT", "white", ImageFont.load_default(28))
    page.save(tmp_path / "poster.jpg")
    assert reader().words(str(tmp_path / "poster.jpg")) == "RIGHT LEFT WAR"


@needs_networks
def test_a_turned_photograph_is_read_upright(reader: Callable[..., Reader], tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    page = poster("CASABLANCA").transpose(Image.Transpose.ROTATE_90)
    page.save(tmp_path / "turned.jpg", exif=exif)
    assert reader().words(str(tmp_path / "turned.jpg")) == "CASABLANCA"


@needs_networks
def test_text_that_stands_on_its_side_is_read(reader: Callable[..., Reader], tmp_path: Path):
    page = poster("CASABLANCA", size=(450, 300)).transpose(Image.Transpose.ROTATE_270)
    page.save(tmp_path / "poster.png")
    assert reader().words(str(tmp_path / "poster.png")) == "CASABLANCA"


@needs_networks
def test_separate_processes_read_the_same(reader: Callable[..., Reader], tmp_path: Path):
    poster("CASABLANCA").save(tmp_path / "poster.png")
    assert reader(isolated=True).words(str(tmp_path / "poster.png")) == "CASABLANCA"


@needs_networks
def test_a_picture_without_words_has_none(reader: Callable[..., Reader], tmp_path: Path):
    noise = np.random.default_rng(1).integers(0, 256, (450, 300, 3), dtype=np.uint8)
    pictures = {"plain": poster(), "noise": Image.fromarray(noise), "dot": poster(size=(1, 1))}
    for name, page in pictures.items():
        page.save(tmp_path / f"{name}.png")
        assert reader().words(str(tmp_path / f"{name}.png")) == "", name


@needs_networks
def test_what_is_no_image_has_no_words(reader: Callable[..., Reader], tmp_path: Path):
    (tmp_path / "text.jpg").write_text("not an image")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.jpg").mkdir()
    names = ["text.jpg", "empty.jpg", "folder.jpg", "missing.jpg", "nul\0.jpg", "\udcff.jpg"]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
        names.append("pipe.jpg")
    words = [reader().words(f"{tmp_path}/{name}") for name in names]
    assert words == [""] * len(names)


@needs_networks
def test_an_image_above_the_limits_has_no_words(reader: Callable[..., Reader], tmp_path: Path):
    poster("CASABLANCA", size=(1500, 2000)).save(tmp_path / "large.png")
    small = ImageLimits(seconds=PATIENCE, memory=1024**2)
    assert reader(limits=small).words(str(tmp_path / "large.png")) == ""


@needs_networks
def test_a_page_of_small_print_takes_no_longer_than_its_largest_lines(
    reader: Callable[..., Reader],
):
    lines = ["the quick brown fox jumps over the lazy dog " * 2] * 24
    page = poster(*lines, size=(1200, 1200), height=22)
    one = reader()
    read: list[int] = []
    scores = one._networks.character_scores
    one._networks.character_scores = lambda lines: read.append(lines.shape[3]) or scores(lines)
    assert "quick" in joined(one.lines(page))
    assert 12_000 < sum(read) <= 16_000


# What was read before


@needs_networks
def test_a_file_is_read_once_until_it_changes(reader: Callable[..., Reader], tmp_path: Path):
    file, kept_in = tmp_path / "poster.png", tmp_path / "state" / "words.sqlite"
    poster("CASABLANCA").save(file)
    assert reader(kept_in=kept_in).words(str(file)) == "CASABLANCA"
    with sqlite3.connect(kept_in) as database:
        assert database.execute("SELECT words FROM words").fetchall() == [("CASABLANCA",)]
        database.execute("UPDATE words SET words = 'read before'")
    database.close()
    assert reader(kept_in=kept_in).words(str(file)) == "read before"
    poster("VERTIGO").save(file)
    assert reader(kept_in=kept_in).words(str(file)) == "VERTIGO"


@needs_networks
def test_a_file_that_could_not_be_read_is_tried_again(
    reader: Callable[..., Reader], tmp_path: Path
):
    file, kept_in = tmp_path / "poster.png", tmp_path / "words.sqlite"
    poster("CASABLANCA").save(file)
    small = ImageLimits(seconds=PATIENCE, memory=1024)
    assert reader(kept_in=kept_in, limits=small).words(str(file)) == ""
    assert reader(kept_in=kept_in).words(str(file)) == "CASABLANCA"


def test_words_are_those_of_a_path_a_stamp_and_a_reader(tmp_path: Path):
    file = tmp_path / "words.sqlite"
    cache = WordCache(file, "one")
    cache.put("a.jpg", STAMP, "first")
    cache.put(os.path.abspath("b.jpg"), STAMP, "")
    assert cache.get(os.path.abspath("a.jpg"), STAMP) == "first"
    assert cache.get("b.jpg", STAMP) == ""
    assert cache.get("c.jpg", STAMP) is None
    assert cache.get("a.jpg", Stamp(STAMP.size + 1, STAMP.modified_ns)) is None
    assert cache.get("a.jpg", Stamp(STAMP.size, STAMP.modified_ns + 1)) is None
    assert WordCache(file, "other").get("a.jpg", STAMP) is None
    cache.put("a.jpg", STAMP, "second")
    assert WordCache(file, "one").get("a.jpg", STAMP) == "second"


def test_no_path_can_be_read_in_what_is_kept(tmp_path: Path):
    WordCache(tmp_path / "words.sqlite", "one").put("/secret/place.jpg", STAMP, "words")
    content = (tmp_path / "words.sqlite").read_bytes()
    assert b"words" in content
    assert b"secret" not in content


def test_each_word_is_on_the_disk_at_once(tmp_path: Path):
    file, copy = tmp_path / "words.sqlite", tmp_path / "copy.sqlite"
    cache = WordCache(file, "one")
    cache.put("a.jpg", STAMP, "kept")
    shutil.copy(file, copy)  # what a killed process leaves
    assert not list(tmp_path.glob("*-journal"))
    assert WordCache(copy, "one").get("a.jpg", STAMP) == "kept"


def test_a_damaged_file_is_made_again(tmp_path: Path):
    file = tmp_path / "words.sqlite"
    file.write_bytes(b"no database" * 1000)
    cache = WordCache(file, "one")
    cache.put("a.jpg", STAMP, "kept")
    assert WordCache(file, "one").get("a.jpg", STAMP) == "kept"


def test_damage_in_the_middle_costs_what_was_kept_and_no_more(tmp_path: Path):
    file = tmp_path / "words.sqlite"
    cache = WordCache(file, "one")
    for number in range(500):
        cache.put(f"{number}.jpg", STAMP, "words " * 20)
    cache.close()
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    cache = WordCache(file, "one")
    assert cache.get("1.jpg", STAMP) is None
    cache.put("1.jpg", STAMP, "kept")  # nothing is raised


@pytest.mark.parametrize("name", ["folder", "file/words.sqlite"])
def test_without_a_place_nothing_is_kept(name: str, tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    cache = WordCache(tmp_path / name, "one")
    cache.put("a.jpg", STAMP, "words")
    assert cache.get("a.jpg", STAMP) is None
    cache.close()


def test_the_file_lies_in_the_folder_for_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    if sys.platform != "linux":
        pytest.skip("other systems have other folders")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_file() == tmp_path / "poster-tagger" / "words.sqlite"


# Networks


def test_the_missing_extra_is_named():
    with pytest.raises(MissingExtraError) as refused:
        Reader(Device("cpu"))
    assert str(refused.value) == MISSING


def test_other_networks_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    package = tmp_path / "rapidocr"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('its code is not run')")
    for size in (4_745_517, 10_857_958):  # those of the right ones
        (package / "models" / f"{size}.onnx").touch()
        os.truncate(package / "models" / f"{size}.onnx", size)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(TaggerError) as refused:
        Reader(Device("cpu"))
    assert str(refused.value) == (
        f"--text ocr reads with PP-OCRv4, and the networks in {package} are others: "
        "pip install 'poster-tagger[ocr]'"
    )


@needs_networks
def test_the_code_of_the_package_is_not_loaded(reader: Callable[..., Reader], tmp_path: Path):
    poster("CASABLANCA").save(tmp_path / "poster.png")
    reader().words(str(tmp_path / "poster.png"))
    assert "rapidocr" not in sys.modules


# Runs


@pytest.fixture
def told(
    tagger: Callable[..., Ran],
    tiny_text_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
) -> Callable[..., dict[str, tuple[str, str]]]:
    """Return a function that tags posters: name → tags, and what the model was told."""
    monkeypatch.syspath_prepend(str(EXTRA))
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    poster("BLUE", "VELVET").save(folder / "IMG_1.png")
    poster("BLUE").save(folder / "Green Book (2018).png")
    poster().save(folder / "IMG_2.png")
    (folder / "IMG_3.png").write_text("damaged")

    def run(*arguments: str) -> dict[str, tuple[str, str]]:
        command = ("tag", ".", "--model", tiny_text_model, "--text", "ocr", "--device", "cpu")
        ran = tagger(*command, "--columns", "text", *arguments)
        table = csv.DictReader(io.StringIO(ran.stdout.decode()))
        said = ran.stderr.splitlines()
        assert "A title or words were found for 2 of 3 images." in said
        return {row["path"].removeprefix("./"): (row["tags"], row["text"]) for row in table}

    return run


TOLD = {
    "Green Book (2018).png": ("green|blue", "names+ocr: Green Book BLUE (2018)"),
    "IMG_1.png": ("blue", "ocr: BLUE VELVET"),
    "IMG_2.png": ("blue", ""),
    "IMG_3.png": ("", ""),
}


@needs_networks
def test_a_model_is_told_the_words_behind_a_title(told: Callable[..., dict[str, tuple[str, str]]]):
    assert told() == TOLD


@needs_networks
def test_another_run_reads_no_file_again(
    told: Callable[..., dict[str, tuple[str, str]]], folder: Path
):
    told("--isolate")
    with sqlite3.connect(folder / "state" / "poster-tagger" / "words.sqlite") as database:
        database.execute("UPDATE words SET words = 'GREEN' WHERE words = 'BLUE VELVET'")
    database.close()
    assert told()["IMG_1.png"] == ("green", "ocr: GREEN")


@needs_networks
def test_python_programs_are_told_the_same(
    monkeypatch: pytest.MonkeyPatch, tiny_text_model: Path, tmp_path: Path
):
    monkeypatch.syspath_prepend(str(EXTRA))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    poster("BLUE", "VELVET").save(tmp_path / "IMG_1.png")
    tagger = Tagger(tiny_text_model, "cpu", text="ocr")
    (result,) = tagger.tag(tmp_path / "IMG_1.png")
    assert result.text == ImageText("BLUE VELVET", source="ocr")


def test_without_the_extra_nothing_is_begun(
    tagger: Callable[..., Ran], tiny_text_model: Path, folder: Path
):
    ran = tagger("tag", ".", "--model", tiny_text_model, "--text", "ocr", "-o", "t.csv")
    assert (ran.code, ran.stdout) == (3, b"")
    assert ran.stderr.splitlines()[-1] == f"tagger: {MISSING}"
    assert not list(folder.glob("t.csv*"))


def test_a_model_without_words_reads_none(
    tagger: Callable[..., Ran], tiny_model: Path, folder: Path
):
    ran = tagger("tag", ".", "--model", tiny_model, "--text", "ocr", "--device", "cpu")
    assert (ran.code, ran.stdout) == (2, b"")
    assert ran.stderr == (
        "tagger: --text ocr: the model colours 1.2 takes no words, only images: omit it, or use "
        "another model.\n"
    )


# Lines and characters


def text_map(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Return a detector's map with text in boxes: left, top, right, bottom."""
    found = np.zeros((128, 192), dtype=np.float32)
    for left, top, right, bottom in boxes:
        found[top : bottom + 1, left : right + 1] = 0.9
    return found


def test_a_line_is_larger_than_its_region():
    (line,) = find_lines(text_map((40, 50, 139, 59)))
    # The map is smeared by one pixel; then 1.6 × area / perimeter are added on each side.
    margin = 1.6 * (100 * 10) / (2 * (100 + 10))
    left, top, right, bottom = 40 - margin, 50 - margin, 140 + margin, 60 + margin
    expected = [[left, top], [right, top], [right, bottom], [left, bottom]]
    np.testing.assert_allclose(line, expected, atol=1e-6)


def test_a_slanted_line_keeps_its_slant():
    page = Image.new("L", (192, 128))
    ImageDraw.Draw(page).polygon([(30, 80), (150, 30), (156, 44), (36, 94)], fill=230)
    (line,) = find_lines(np.asarray(page, dtype=np.float32) / 255)
    across = line[1] - line[0]
    assert np.degrees(np.arctan2(-across[1], across[0])) == pytest.approx(22.6, abs=1)


def test_rows_are_in_reading_order():
    boxes = [(100, 40, 160, 50), (20, 43, 80, 53), (60, 90, 120, 100), (60, 10, 120, 20)]
    middles = [line[:, 0].mean() for line in find_lines(text_map(*boxes))]
    assert middles == pytest.approx([90.5, 50.5, 130.5, 90.5])


def test_letters_a_pixel_apart_are_of_one_line_and_others_are_not():
    assert len(find_lines(text_map((20, 20, 59, 29), (61, 20, 99, 29)))) == 1
    assert len(find_lines(text_map((20, 20, 59, 29), (63, 20, 99, 29)))) == 2


@pytest.mark.parametrize("box", [(10, 10, 150, 10), (10, 10, 11, 11)], ids=str)
def test_specks_and_hairlines_are_no_lines(box: tuple[int, int, int, int]):
    assert find_lines(text_map(box)) == []


def test_what_is_hardly_likely_is_no_line():
    assert find_lines(text_map((40, 50, 139, 59)) * 0.5) == []


def test_of_very_many_lines_the_largest_are_read():
    found = np.zeros((640, 640), dtype=np.float32)
    for row in range(20, 620, 16):
        for column in range(20, 600, 60):
            found[row : row + 5, column : column + 30] = 0.9
    found[300:312, 20:620] = 0.9
    lines = find_lines(found)
    assert len(lines) == MOST_LINES
    assert max(np.linalg.norm(line[1] - line[0]) for line in lines) > 600


def test_a_map_of_noise_takes_no_time_to_speak_of():
    noise = np.random.default_rng(1).random((640, 640), dtype=np.float32)
    assert len(find_lines(noise)) <= MOST_LINES
    assert find_lines(np.zeros((32, 32), dtype=np.float32)) == []
    assert len(find_lines(np.ones((32, 32), dtype=np.float32))) == 1


def test_repeated_steps_are_one_character():
    steps = [1, 1, 0, 1, 2, 2, 0, 3]
    scores = np.full((len(steps), 4), 0.02, dtype=np.float32)
    scores[np.arange(len(steps)), steps] = 0.9
    assert decode(scores, ["", "a", "b", " "]) == ("aab ", pytest.approx(0.9))
    assert decode(scores[[2, 6]], ["", "a", "b", " "]) == ("", 0.0)


def test_uncertain_lines_are_left_out_and_endless_ones_are_cut():
    lines = [("HEAT", 0.9), ("###", CERTAIN - 0.01), (" of ", CERTAIN), ("", 1.0)]
    assert joined(lines) == "HEAT of"
    assert joined([]) == ""
    assert joined([("x" * 5000, 1.0)]) == "x" * MOST_CHARACTERS
