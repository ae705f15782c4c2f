"""``tagger explain``: which parts of an image speak for its tags."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from commands import Ran
from onnx import helper
from pictures import save_picture
from PIL import Image
from policies import closed_policy
from tiny_model import CARD, write_graph

from tagger.explain.occlusion import Part, explain
from tagger.explain.picture import as_html, as_png, lit
from tagger.network.model import TaggerModel
from tagger.results import ImageText

Run = Callable[..., Ran]


@pytest.fixture
def run(tagger: Run, tiny_model: Path) -> Run:
    """Return a function that runs ``tagger explain ARGUMENTS`` with the tiny model on the CPU."""

    def explained(*arguments: str | Path) -> Ran:
        return tagger("explain", *arguments, "--model", tiny_model, "--device", "cpu")

    return explained


@pytest.fixture
def model(tiny_model: Path) -> TaggerModel:
    return TaggerModel(tiny_model, "cpu", batch_size=5)


def red_corner(rows: slice, columns: slice) -> np.ndarray:
    """Return a black image of the tiny model's size with a red place."""
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    pixels[rows, columns, 0] = 255
    return pixels


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        (slice(0, 2), slice(0, 2), "top left"),
        (slice(0, 2), slice(6, 8), "top right"),
        (slice(6, 8), slice(0, 2), "bottom left"),
        (slice(6, 8), slice(6, 8), "bottom right"),
        (slice(3, 5), slice(3, 5), "centre"),
        (slice(3, 5), slice(0, 2), "left"),
        (slice(6, 8), slice(3, 5), "bottom"),
    ],
)
def test_the_part_that_makes_the_tag_is_found(
    model: TaggerModel, rows: slice, columns: slice, words: str
):
    pixels = red_corner(rows, columns)

    (found,) = explain(model, pixels, None, ["red"])

    assert found.part == Part(rows.start / 8, columns.start / 8, rows.stop / 8, columns.stop / 8)
    assert str(found.part) == words
    # A covered square has the mean colour: of the red, a sixteenth is left.
    assert found.score == pytest.approx(1 / 16)
    assert found.without == pytest.approx(round(255 / 16) * 4 / 64 / 255)
    assert found.is_decided
    assert found.heat.shape == (8, 8)
    top, left = np.unravel_index(found.heat.argmax(), found.heat.shape)
    assert rows.start <= top < rows.stop
    assert columns.start <= left < columns.stop


def test_where_every_part_says_the_same_none_decides(model: TaggerModel):
    pixels = np.full((8, 8, 3), 128, dtype=np.uint8)

    (found,) = explain(model, pixels, None, ["green"])

    assert (found.score, found.without) == (pytest.approx(128 / 255), pytest.approx(128 / 255))
    assert not found.is_decided
    assert np.abs(found.heat).max() < 1e-6


def test_what_speaks_against_a_label_is_no_reason_for_it(tmp_path: Path):
    # A label that is the more probable, the less red there is.
    nodes = [
        helper.make_node("Cast", ["images"], ["samples"], to=onnx.TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["samples", "sides"], ["means"], keepdims=0),
        helper.make_node("Div", ["means", "divisor"], ["colours"]),
        helper.make_node("Sub", ["one", "colours"], ["others"]),
        helper.make_node("Slice", ["others", "from", "to", "axis"], ["last"]),
        helper.make_node("Concat", ["others", "last"], ["scores"], axis=1),
    ]
    constants = {
        "sides": np.array([1, 2]), "divisor": np.float32(255), "one": np.float32(1),
        "from": np.array([0]), "to": np.array([1]), "axis": np.array([1]),
    }  # fmt: skip
    constants = {name: np.asarray(value) for name, value in constants.items()}
    model = TaggerModel(write_graph(tmp_path / "m.onnx", nodes, constants, CARD), "cpu")

    (found,) = explain(model, red_corner(slice(0, 2), slice(0, 2)), None, ["red"])

    assert found.heat[0, 0] < 0
    image = np.asarray(lit(np.full((80, 80, 3), 200, dtype=np.uint8), found))
    assert image[10, 10].max() < 120


def test_what_the_text_does_is_said(tiny_text_model: Path):
    model = TaggerModel(tiny_text_model, "cpu")
    pixels = red_corner(slice(0, 2), slice(0, 2))

    red, green = explain(model, pixels, ImageText("green"), ["red", "green"])

    assert (green.score, green.without_text) == (1.0, 0.0)
    assert red.without_text == pytest.approx(red.score)
    assert explain(model, pixels, None, ["red"])[0].without_text is None


def test_each_tag_has_a_line(run: Run, folder: Path):
    Image.fromarray(red_corner(slice(0, 2), slice(0, 2)) | np.uint8(40)).save("a.png")

    ran = run("a.png", "--min-tags", "2")

    assert (ran.code, ran.stderr) == (0, "")
    first, second = ran.stdout.decode().splitlines()
    assert re.fullmatch(r"red     21%  mostly the top left; without it 16%", first)
    assert re.fullmatch(r"green   16%  no single part decides; without the .* 16%", second)


def test_labels_can_be_asked_for(run: Run, folder: Path):
    save_picture(folder / "a.png", (200, 0, 0))

    ran = run("a.png", "--label", "BLUE", "--label", "blue", "--label", "red")

    lines = ran.stdout.decode().splitlines()
    assert [line.split()[:2] for line in lines] == [["blue", "0%"], ["red", "78%"]]


def test_without_a_tag_the_most_probable_label_is_explained(run: Run, folder: Path):
    save_picture(folder / "a.png", (20, 30, 10))

    ran = run("a.png", "--min-tags", "0")

    assert ran.stdout.decode().split()[:2] == ["green", "12%"]


@pytest.mark.parametrize("size", [(300, 444), (900, 200), (8, 8)])
def test_a_picture_shows_the_image_and_a_panel_for_each_tag(
    run: Run, folder: Path, size: tuple[int, int]
):
    save_picture(folder / "a.png", (200, 180, 0), size=size)

    assert run("a.png", "-o", "e.png").code == 0

    image = Image.open("e.png")
    scale = min(320 / size[0], 480 / size[1])
    width, height = round(size[0] * scale), round(size[1] * scale)
    assert image.width == 16 + 3 * (width + 16)
    assert image.height > height + 2 * 16
    pixels = np.asarray(image)
    assert np.abs(pixels[16 + height // 2, 16 + width // 2].astype(int) - (200, 180, 0)).max() < 3
    # Nothing speaks for a tag more than anything else: all is dark, but for the frame.
    assert pixels[16 + height // 2, 16 + width + 16 + width // 2].max() < 60


def test_a_page_loads_nothing_and_takes_names_for_text(run: Run, folder: Path):
    name = "<b>&\"'.png"
    save_picture(folder / name, (200, 0, 0))

    assert run(name, "-o", "e.html", "--label", "red").code == 0

    page = Path("e.html").read_text(encoding="utf-8")
    assert "<title>&lt;b&gt;&amp;&quot;&#x27;.png</title>" in page
    assert '<b>&"' not in page
    sources = re.findall(r'src="([^"]*)"', page)
    assert len(sources) == 2
    for source in sources:
        start = "data:image/jpeg;base64,"
        assert source.startswith(start)
        Image.open(io.BytesIO(base64.b64decode(source.removeprefix(start)))).load()
    assert f'content="{closed_policy(page)}">' in page
    assert "<b>red 78%</b>" in page


def test_pictures_are_the_same_for_the_same(model: TaggerModel):
    pixels = red_corner(slice(0, 2), slice(0, 2))
    found = explain(model, pixels, None, ["red", "green"])
    picture = np.asarray(Image.fromarray(pixels).resize((80, 80)))

    assert as_png(picture, found) == as_png(picture, found)
    assert as_html(picture, found, "a") == as_html(picture, found, "a")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("gone.png",), 3, "gone.png cannot be read: no such file or directory."),
        (("text.png",), 3, "text.png cannot be read: a text file, not an image."),
        (("a.png", "-o", "e.gif"), 2, "-o e.gif: use a file name that ends in .png or .html."),
        (("a.png", "-o", "a.png"), 2, "-o a.png: this is the image itself: choose another file."),
        (
            ("a.png", "-o", "a.png", "--overwrite"),
            2,
            "-o a.png: this is the image itself: choose another file.",
        ),
        (
            ("a.png", "-o", "there.html"),
            2,
            "there.html already exists: choose another output, or pass --overwrite to replace it.",
        ),
        (
            ("a.png", "--label", "purple"),
            2,
            "The model has no label 'purple': it has red, green, blue, N/A.",
        ),
        (("a.png", "-o", "no/e.png"), 3, "no/e.png cannot be written: no such file or directory."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_what_cannot_be_done_is_said(
    run: Run, folder: Path, arguments: tuple[str, ...], code: int, message: str
):
    save_picture(folder / "a.png", (200, 0, 0))
    (folder / "text.png").write_text("no image")
    (folder / "there.html").write_text("mine")
    before = {file: file.read_bytes() for file in folder.iterdir()}

    ran = run(*arguments)

    assert (ran.code, ran.stdout, ran.stderr) == (code, b"", f"tagger: {message}\n")
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_a_file_is_replaced_when_asked_for(run: Run, folder: Path):
    save_picture(folder / "a.png", (200, 0, 0))
    (folder / "e.html").write_text("mine")

    assert run("a.png", "-o", "e.html", "--overwrite").code == 0

    assert (folder / "e.html").read_text().startswith("<!doctype html>")
