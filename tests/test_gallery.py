"""``tagger gallery``: what the page holds, and what it never replaces."""

from __future__ import annotations

import base64
import gc
import json
import os
import re
import sys
import tracemalloc
from array import array
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from commands import Ran
from pictures import save_picture
from PIL import Image
from policies import closed_policy

from tagger.gallery import entries as entries_module
from tagger.gallery import gallery as gallery_module
from tagger.gallery.entries import Entries, Entry
from tagger.gallery.plan import GalleryPlan
from tagger.gallery.rules import doubts

USAGE, SOME_FAILED = 2, 1
COLOURS = {"blue": (10, 20, 240), "green": (10, 200, 20), "red": (220, 10, 20)}


def content(page: Path) -> dict[str, Any]:
    """Return what a page shows."""
    found = re.search(
        rb'<script type="application/json" id="data">(.*?)</script>', page.read_bytes()
    )
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def numbers(data: dict[str, Any]) -> list[int]:
    """Return a page's probabilities, in ten-thousandths."""
    raw = base64.b64decode(data["scores"])
    return [int.from_bytes(raw[at : at + 2], "little") for at in range(0, len(raw), 2)]


def small_file(folder: Path, page: str, row: int) -> Path:
    """Return the file of a thumbnail; written, if the page holds it."""
    data = content(folder / page)
    address = data["small"][row]
    if data["thumbnails"]:
        return folder / data["thumbnails"] / f"{address}.jpg"
    file = folder / f"{page}-{row}.jpg"
    file.write_bytes(base64.b64decode(address.partition(",")[2]))
    return file


def falls(page: Path, row: int) -> dict[int, bytes]:
    """Return how far a row's labels fall, by label: without its text, and square by square."""
    why = content(page)["why"]
    raw = base64.b64decode(why["images"][str(row)])
    size = 3 + len(why["tops"]) * len(why["lefts"])
    return {raw[at] + 256 * raw[at + 1]: raw[at + 2 : at + size] for at in range(0, len(raw), size)}


opened: list[str] = []  # names of files, in the order in which Python opened them


def note_opened(event: str, about: tuple[object, ...]) -> None:
    if event == "open" and isinstance(about[0], str):
        opened.append(os.path.basename(about[0]))


sys.addaudithook(note_opened)


@pytest.fixture
def tagged(folder: Path, tag: Callable[..., Ran]) -> Path:
    """Return a folder with a table of three posters and a file that is none."""
    for name, colour in COLOURS.items():
        save_picture(folder / "p" / f"{name}.png", colour)
    (folder / "p" / "none.jpg").write_text("a text of some length, not an image\n")
    tag("p", "-o", "tags.csv")
    return folder


@pytest.fixture
def gallery(tagger: Callable[..., Ran], tiny_model: Path) -> Callable[..., Ran]:
    def run(*arguments: str | Path) -> Ran:
        return tagger("gallery", *arguments, "--model", tiny_model)

    return run


def test_a_page_shows_each_image_with_tags_and_probabilities(
    tagged: Path, gallery: Callable[..., Ran]
) -> None:
    ran = gallery("tags.csv", "-o", "gallery.html")

    assert (ran.code, ran.stdout, ran.stderr) == (0, b"", "4 images in gallery.html.\n")
    data = content(tagged / "gallery.html")
    assert data["paths"] == ["p/blue.png", "p/green.png", "p/none.jpg", "p/red.png"]
    assert data["labels"] == data["names"] == ["red", "green", "blue", "N/A"]
    assert data["tags"] == [[2], [1], [], [0]]
    assert data["titles"] == ["blue", "green", "none", "red"]
    assert data["errors"] == {"2": "a text file, not an image"}
    assert numbers(data)[:4] == [392, 784, 9412, 392]
    assert numbers(data)[8:12] == [0xFFFF] * 4
    assert data["rules"] == {
        "thresholds": [0.5] * 4,
        "defaults": [0.5] * 4,
        "least": 1,
        "most": 3,
        "never": [False, False, False, True],
        "unsure": 0.0,
    }
    assert data["small"][0].startswith("data:image/jpeg;base64,")
    assert sorted(os.listdir(tagged)) == [
        "gallery.html", "p", "tags.csv", "tags.csv.run.journal", "tags.csv.run.json",
    ]  # fmt: skip


def test_a_page_allows_nothing_but_its_own(tagged: Path, gallery: Callable[..., Ran]) -> None:
    gallery("tags.csv", "-o", "gallery.html")
    page = (tagged / "gallery.html").read_text(encoding="utf-8")
    assert f'content="{closed_policy(page, has_files=True)}">' in page


class TestWithTheTable:
    def test_tag_writes_the_table_beside_the_page(
        self, tagged: Path, tag: Callable[..., Ran]
    ) -> None:
        ran = tag("p", "-o", "both.html", "--threshold", "red=0.7")

        assert ran.code == SOME_FAILED  # because of the file that is not an image
        assert ran.stderr.endswith("4 images in both.html.\n")
        assert (tagged / "both.csv").read_bytes() == (tagged / "tags.csv").read_bytes()
        data = content(tagged / "both.html")
        assert (data["table"], data["rules"]["thresholds"][0]) == ("both.csv", 0.7)

    def test_a_run_is_resumed_and_the_page_made_again(
        self, tagged: Path, tag: Callable[..., Ran]
    ) -> None:
        tag("p", "-o", "both.html", "-f", "jsonl")
        save_picture(tagged / "p" / "a.png", "white")
        tag("p", "-o", "both.html", "-f", "jsonl", "--resume")
        assert content(tagged / "both.html")["paths"][0] == "p/a.png"
        assert (tagged / "both.jsonl").exists()

    def test_retag_does_so_too(
        self, tagged: Path, tagger: Callable[..., Ran], tiny_model: Path
    ) -> None:
        ran = tagger(
            "retag", "tags.csv", "-o", "r.html", "--rename", "red=Rot", "--model", tiny_model
        )
        assert ran.code == SOME_FAILED
        assert content(tagged / "r.html")["names"][0] == "Rot"

    @pytest.mark.parametrize("many", [False, True], ids=["in the page", "in files"])
    def test_an_image_is_opened_once_for_both(
        self, folder: Path, tagger: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, many: bool
    ) -> None:
        if many:
            monkeypatch.setattr(gallery_module, "MOST_EMBEDDED", 1)
        wide = save_picture(folder / "p" / "wide.png", COLOURS["red"], size=(400, 100))
        save_picture(folder / "p" / "poster.png", COLOURS["blue"], size=(200, 300))
        opened.clear()

        ran = tagger("tag", "p", "-o", "g.html", "--device", "cpu", "--decode", "threads")

        assert (ran.code, opened.count("wide.png")) == (0, 1), ran.stderr
        data = content(folder / "g.html")
        assert [bool(address) for address in data["small"]] == [True, True]
        tagger("gallery", "g.csv", "-o", "again.html")
        files = [small_file(folder, page, 1) for page in ("g.html", "again.html")]
        for file in files:
            with Image.open(file) as small:
                assert small.size == (224, 56)
                assert small.getpixel((100, 30)) == pytest.approx(COLOURS["red"], abs=6)
        assert (folder / "g_files").exists() == many
        assert wide.exists()

    def test_a_page_of_others_is_refused_before_anything_is_tagged(
        self, tagged: Path, tag: Callable[..., Ran]
    ) -> None:
        (tagged / "both.html").write_text("mine")
        ran = tag("p", "-o", "both.html")
        assert (ran.code, (tagged / "both.csv").exists()) == (USAGE, False)


def test_a_thumbnail_has_the_shape_of_its_image(tagged: Path, gallery: Callable[..., Ran]) -> None:
    save_picture(tagged / "p" / "red.png", COLOURS["red"], size=(400, 100))
    gallery("tags.csv", "-o", "gallery.html")

    address = content(tagged / "gallery.html")["small"][3]
    file = tagged / "small.jpg"
    file.write_bytes(base64.b64decode(address.partition(",")[2]))
    with Image.open(file) as small:
        assert small.size == (224, 56)
        assert small.getpixel((10, 10)) == pytest.approx(COLOURS["red"], abs=6)


def test_the_rules_are_those_of_the_run(
    tagged: Path, tag: Callable[..., Ran], gallery: Callable[..., Ran]
) -> None:
    tag("p", "-o", "other.csv", "--threshold", "red=0.2", "--max-tags", "1", "--rename", "red=Rot")
    gallery("other.csv", "-o", "gallery.html")

    data = content(tagged / "gallery.html")
    assert data["rules"]["thresholds"] == [0.2, 0.5, 0.5, 0.5]
    assert data["rules"]["defaults"] == [0.5] * 4
    assert (data["rules"]["least"], data["rules"]["most"]) == (1, 1)
    assert data["names"] == ["Rot", "green", "blue", "N/A"]
    assert data["tags"][3] == [0]


def test_known_tags_are_those_of_another_table(tagged: Path, gallery: Callable[..., Ran]) -> None:
    (tagged / "known.csv").write_text("path,tags\np/red.png,red|Noir\np/blue.png,\nq/x.png,red\n")
    assert gallery("tags.csv", "-o", "gallery.html", "--truth", "known.csv").code == 0

    data = content(tagged / "gallery.html")
    assert data["names"] == ["red", "green", "blue", "N/A", "Noir"]
    assert data["truth"] == {"0": [], "3": [0, 4]}

    (tagged / "known.csv").write_text("path,tags\nred.png,red\n")
    ran = gallery("tags.csv", "-o", "gallery.html", "--truth", "known.csv")
    assert ran.code == USAGE
    assert ran.stderr == (
        "tagger: --truth: known.csv has none of the images, whose paths must be spelled as in the "
        "table.\n"
    )


class TestMemory:
    """Held are the images of one page, however many there are."""

    @pytest.fixture
    def peak(self) -> Iterator[Callable[[], int]]:
        """Return a function: the most memory since the test began."""
        tracemalloc.start()
        yield lambda: tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    def test_a_page_holds_its_own(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, peak: Callable[[], int]
    ) -> None:
        monkeypatch.setattr(gallery_module, "MOST_ON_PAGE", 100)
        peaks = []
        for rows in (1, 200, 4_000):  # the first one imports what is needed
            lines = (f"{row:06}.png,red,,0.6" for row in range(rows))
            Path("t.csv").write_text("\n".join(["path,tags,error,red", *lines]))
            gc.collect()
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            made = gallery_module.Gallery(GalleryPlan("t.csv", "g.html")).write()
            peaks.append(peak() - before)
        assert (made.failed, len(made.failures), len(made.pages)) == (4_000, 100, 40)
        assert peaks[2] < peaks[1] + 1_000_000  # of all, it would be 3 MB

    def test_doubt_is_found_some_at_a_time(self, peak: Callable[[], int]) -> None:
        with closing(Entries()) as entries:
            for row in range(5_000):
                entries.add(Entry(f"{row}.png", ["red"], "", array("H", [row]), ""))
            entries.label(["red"], [0])
            tracemalloc.reset_peak()

            entries.show_least_sure(3, partial(doubts, ["red"], rules=None))

            assert [entry.path for entry in entries.shown(0, 10)] == ["0.png", "1.png", "2.png"]
            assert peak() < 1_500_000  # of all, it would be 3.8 MB


@pytest.mark.skipif(sys.platform == "win32", reason="files have no limit there")
def test_no_room_for_the_rows_is_said(
    folder: Path, gallery: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    monkeypatch.setattr(entries_module, "_SETTINGS", "PRAGMA cache_size = 8;")
    lines = (f"{row:06}.png,red,,0.6,0.1,0.2,0" for row in range(3_000))
    Path("t.csv").write_text("\n".join(["path,tags,error,red,green,blue,N/A", *lines]))
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, former[1]))
    try:
        ran = gallery("t.csv", "-o", "g.html")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)

    assert ran.code == 3
    assert re.fullmatch(
        r"tagger: The images cannot be kept in a temporary file: "
        r"(database or disk is full|disk I/O error): set TMPDIR to a folder with more space\.\n",
        ran.stderr,
    )
    assert os.listdir(folder) == ["t.csv"]


class TestWhy:
    """What speaks for tags, found beforehand."""

    def test_covering_the_red_corner_lowers_red(
        self, tagged: Path, tag: Callable[..., Ran], gallery: Callable[..., Ran]
    ) -> None:
        image = Image.new("RGB", (8, 8))
        image.paste((255, 0, 0), (0, 0, 2, 2))
        image.save(tagged / "p" / "red.png")
        tag("p", "-o", "tags.csv")
        assert gallery("tags.csv", "-o", "gallery.html", "--explain").code == 0

        why = content(tagged / "gallery.html")["why"]
        assert sorted(why["images"]) == ["0", "1", "3"]  # none of the file that is not an image
        found = falls(tagged / "gallery.html", 3)
        assert sorted(found) == [0, 1, 2, 3]
        assert found[0][0] == 128  # the model takes no text
        squares = [*found[0][1:]]
        assert squares.index(max(squares)) == 0
        assert squares[0] > 128 + 16
        assert (why["tops"][0], why["lefts"][0], why["height"], why["width"]) == (0, 0, 0.25, 0.25)

    def test_the_text_is_the_one_that_the_tags_were_made_with(
        self, tagged: Path, tagger: Callable[..., Ran], tiny_text_model: Path
    ) -> None:
        model = ("--model", tiny_text_model, "--device", "cpu")
        (tagged / "films.csv").write_text("path,title\np/red.png,green\n")
        runs = {"names": (), "none": ("--text", "none"), "films": ("--titles", "films.csv")}
        said, of_text = {}, {}
        for name, options in runs.items():
            tagger("tag", "p", "-o", f"{name}-tags.csv", *options, *model)
            ran = tagger("gallery", f"{name}-tags.csv", "-o", "g.html", "--explain", *model)
            said[name] = ran.stderr
            of_text[name] = [
                place for place, fall in falls(tagged / "g.html", 3).items() if fall[0] > 128
            ]

        assert of_text == {"names": [0], "none": [], "films": [0]}  # its name says red
        made = "4 images in g.html.\n"
        assert (said["names"], said["none"]) == (made, made)
        assert re.fullmatch(
            r"Note: the tags were made with --text names --titles films\.csv \(SHA-256 \w+…\), and "
            r"are explained with --text names: pass the same to explain them as they were made\.\n"
            + re.escape(made),
            said["films"],
        )

    def test_a_table_of_titles_is_passed_again(
        self, tagged: Path, tagger: Callable[..., Ran], tiny_text_model: Path
    ) -> None:
        model = ("--model", tiny_text_model, "--device", "cpu")
        (tagged / "films.csv").write_text("path,title\np/red.png,green\n")
        tagger("tag", "p", "-o", "tags.csv", "--overwrite", "--titles", "films.csv", *model)

        given = ("--explain", "--titles", "films.csv")
        ran = tagger("gallery", "tags.csv", "-o", "g.html", *given, *model)

        assert (ran.code, ran.stderr) == (0, "4 images in g.html.\n")
        of_text = {place for place, fall in falls(tagged / "g.html", 3).items() if fall[0] > 128}
        assert of_text == {1}

    def test_pages_are_the_same_for_any_number_of_workers(
        self, tagged: Path, gallery: Callable[..., Ran]
    ) -> None:
        gallery("tags.csv", "-o", "a.html", "--explain", "--workers", "1")
        gallery("tags.csv", "-o", "b.html", "--explain", "--workers", "3")
        assert (tagged / "a.html").read_bytes() == (tagged / "b.html").read_bytes()

    def test_it_takes_the_model_that_made_the_table(
        self, tagged: Path, gallery: Callable[..., Ran]
    ) -> None:
        (tagged / "foreign.csv").write_text("path,tags,error,x,y\np/red.png,x,,0.7,0.1\n")
        ran = gallery("foreign.csv", "-o", "gallery.html", "--explain")
        assert ran.code == USAGE
        assert ran.stderr == (
            "tagger: --explain: the labels of foreign.csv are not those of the model: pass the "
            "--model that made it, and a table with the layout wide.\n"
        )
        assert not (tagged / "gallery.html").exists()


def test_another_models_table_has_no_rules(tagged: Path, tagger: Callable[..., Ran]) -> None:
    (tagged / "foreign.csv").write_text("path,tags,error,x,y\np/red.png,x,,0.7,0.1\n")
    ran = tagger("gallery", "foreign.csv", "-o", "gallery.html")

    assert ran.code == 0
    data = content(tagged / "gallery.html")
    assert (data["labels"], data["rules"]) == (["x", "y"], None)


@pytest.mark.parametrize("layout", ["list", "long"])
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "xlsx"])
def test_every_layout_and_format_is_read(
    tagged: Path,
    tag: Callable[..., Ran],
    gallery: Callable[..., Ran],
    layout: str,
    ending: str,
) -> None:
    tag("p", "-o", f"t.{ending}", "--layout", layout, "--columns", "title,year,width")
    assert gallery(f"t.{ending}", "-o", "gallery.html").code == 0

    data = content(tagged / "gallery.html")
    names = [[data["names"][tag] for tag in tags] for tags in data["tags"]]
    assert names == [["blue"], ["green"], [], ["red"]]
    assert data["labels"] == ([] if layout == "list" else ["blue", "green", "red"])
    if layout == "long":
        assert numbers(data)[:3] == [9412, 0xFFFF, 0xFFFF]


def test_the_least_sure_come_first(tagged: Path, gallery: Callable[..., Ran]) -> None:
    save_picture(tagged / "p" / "grey.png", (128, 128, 128))
    (tagged / "tags.csv").write_text(
        "path,tags,error,red,green,blue,N/A\n"
        "p/blue.png,blue,,0.1,0.2,0.9,0.1\n"
        "p/green.png,green,,0.4,0.6,0.1,0.9\n"
        "p/none.jpg,,a text file,,,,\n"
        "p/red.png,red,,0.95,0,0,0\n"
    )
    assert gallery("tags.csv", "-o", "gallery.html", "--least-sure", "2").code == 0

    data = content(tagged / "gallery.html")
    assert data["paths"] == ["p/green.png", "p/blue.png"]
    assert data["order"] == "least sure"


def test_corrected_images_raise_no_doubt(tagged: Path, gallery: Callable[..., Ran]) -> None:
    (tagged / "tags.csv").write_text(
        "path,tags,error,corrected,red,green,blue,N/A\n"
        "p/blue.png,blue,,checked,0.4,0.4,0.6,0\n"
        "p/red.png,red,,,0.95,0,0,0\n"
    )
    gallery("tags.csv", "-o", "gallery.html", "--least-sure", "9")
    assert content(tagged / "gallery.html")["paths"] == ["p/red.png"]

    gallery("tags.csv", "-o", "gallery.html")
    data = content(tagged / "gallery.html")
    assert (data["labels"], data["corrected"]) == (
        ["red", "green", "blue", "N/A"],
        {"0": "checked"},
    )


def test_a_corrected_table_is_tagged_again(
    tagged: Path, tagger: Callable[..., Ran], tiny_model: Path
) -> None:
    (tagged / "tags.csv").write_text(
        "path,tags,error,corrected,red,green,blue,N/A\np/red.png,blue,,added blue,0.95,0,0,0\n"
    )
    ran = tagger("retag", "tags.csv", "--layout", "list", "--model", tiny_model)
    assert (ran.code, ran.rows()) == (0, ["p/red.png,red,"])


def test_a_missing_image_has_its_reason_instead_of_a_picture(
    tagged: Path, gallery: Callable[..., Ran]
) -> None:
    (tagged / "p" / "red.png").unlink()
    (tagged / "p" / "green.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))

    ran = gallery("tags.csv", "-o", "gallery.html")

    assert ran.code == SOME_FAILED
    assert ran.stderr.splitlines() == [
        "failed: p/green.png: a damaged PNG, or a kind of PNG that is not supported",
        "failed: p/red.png: no such file or directory",
        "4 images in gallery.html.",
    ]
    missing = content(tagged / "gallery.html")["missing"]
    assert missing["3"] == "no such file or directory"
    assert missing["2"] == "a text file, not an image"


def test_paths_lead_from_the_folder_that_is_named(
    tagged: Path,
    tag: Callable[..., Ran],
    gallery: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tag("p", "-o", "inside.csv", "--relative-to", "p")
    (tagged / "elsewhere").mkdir()
    monkeypatch.chdir(tagged / "elsewhere")

    assert gallery("../tags.csv", "-o", "a.html").code == SOME_FAILED
    assert gallery("../tags.csv", "-o", "a.html", "--images", "..").code == 0
    assert content(tagged / "elsewhere" / "a.html")["images"] == "../"
    # The run noted which folder its paths lead from.
    assert gallery("../inside.csv", "-o", "b.html").code == 0
    assert content(tagged / "elsewhere" / "b.html")["images"] == "../p/"


class TestManyImages:
    @pytest.fixture(autouse=True)
    def few_are_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gallery_module, "MOST_EMBEDDED", 2)

    def files(self, folder: Path) -> dict[str, int]:
        lie = folder / "gallery_files" / ".thumbnails"
        return (
            {file.name: file.stat().st_mtime_ns for file in lie.iterdir()} if lie.is_dir() else {}
        )

    def test_thumbnails_lie_beside_the_page(
        self, tagged: Path, gallery: Callable[..., Ran]
    ) -> None:
        ran = gallery("tags.csv", "-o", "gallery.html")

        assert ran.stderr == "4 images in gallery.html, thumbnails in gallery_files.\n"
        data = content(tagged / "gallery.html")
        assert data["thumbnails"] == "gallery_files/.thumbnails/"
        assert {f"{name}.jpg" for name in data["small"] if name} == set(self.files(tagged))
        assert len(self.files(tagged)) == 3

    def test_they_are_made_again_only_if_an_image_has_changed(
        self, tagged: Path, gallery: Callable[..., Ran]
    ) -> None:
        gallery("tags.csv", "-o", "gallery.html")
        before = self.files(tagged)
        save_picture(tagged / "p" / "red.png", (250, 0, 0), size=(50, 60))

        gallery("tags.csv", "-o", "gallery.html")

        after = self.files(tagged)
        kept = before.items() & after.items()
        assert (len(after), len(kept)) == (3, 2)

    def test_the_folder_goes_when_a_page_holds_all(
        self, tagged: Path, gallery: Callable[..., Ran]
    ) -> None:
        gallery("tags.csv", "-o", "gallery.html")
        gallery("tags.csv", "-o", "gallery.html", "--limit", "2")
        assert not (tagged / "gallery_files").exists()

    def test_what_others_put_there_stays(self, tagged: Path, gallery: Callable[..., Ran]) -> None:
        lie = tagged / "gallery_files"
        (lie / ".thumbnails").mkdir(parents=True)
        for file in (lie / "mine.jpg", lie / ".thumbnails" / "mine.jpg"):
            file.write_bytes(b"mine")
        gallery("tags.csv", "-o", "gallery.html")
        gallery("tags.csv", "-o", "gallery.html", "--limit", "1")
        assert [file.name for file in lie.rglob("*") if file.is_file()] == ["mine.jpg"] * 2

    def test_no_walk_takes_them_for_posters(
        self, tagged: Path, gallery: Callable[..., Ran], tag: Callable[..., Ran]
    ) -> None:
        gallery("tags.csv", "-o", "p/gallery.html")
        assert (tagged / "p" / "gallery_files" / ".thumbnails").is_dir()
        assert len(tag("p").rows()) == 4

    def test_large_sets_have_several_pages(
        self, tagged: Path, gallery: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gallery_module, "MOST_ON_PAGE", 3)
        ran = gallery("tags.csv", "-o", "gallery.html")

        assert ran.stderr == (
            "4 images in 2 pages, the first of them gallery.html, thumbnails in gallery_files.\n"
        )
        first, second = (content(tagged / f"gallery{number}.html") for number in ("", "-2"))
        assert (first["part"], first["parts"]) == (0, ["gallery.html", "gallery-2.html"])
        assert (second["part"], second["paths"], second["total"]) == (1, ["p/red.png"], 4)
        assert len(self.files(tagged)) == 3

        gallery("tags.csv", "-o", "gallery.html", "--limit", "3")
        assert not (tagged / "gallery-2.html").exists()


class TestWhatIsThere:
    def test_our_own_page_is_replaced(self, tagged: Path, gallery: Callable[..., Ran]) -> None:
        gallery("tags.csv", "-o", "gallery.html")
        assert gallery("tags.csv", "-o", "gallery.html", "--limit", "1").code == 0
        assert len(content(tagged / "gallery.html")["paths"]) == 1

    @pytest.mark.parametrize(
        "foreign", ["<p>mine</p>", "", None], ids=["foreign", "empty", "edited"]
    )
    def test_another_page_is_refused(
        self, tagged: Path, gallery: Callable[..., Ran], foreign: str | None
    ) -> None:
        page = tagged / "gallery.html"
        gallery("tags.csv", "-o", "gallery.html")
        text = page.read_text(encoding="utf-8").replace("</body>", "<p>mine</p></body>")
        page.write_text(text if foreign is None else foreign, encoding="utf-8")
        before = page.read_bytes()

        ran = gallery("tags.csv", "-o", "gallery.html")

        assert (ran.code, page.read_bytes()) == (USAGE, before)
        assert ran.stderr == (
            "tagger: gallery.html already exists and is not known to be an unedited gallery: "
            "choose another output, or pass --overwrite to replace it (a copy is kept as "
            "gallery.html.bak).\n"
        )

        assert gallery("tags.csv", "-o", "gallery.html", "--overwrite").code == 0
        assert (tagged / "gallery.html.bak").read_bytes() == before

    def test_a_foreign_second_page_is_refused_before_anything_is_written(
        self, tagged: Path, gallery: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gallery_module, "MOST_ON_PAGE", 3)
        (tagged / "gallery-2.html").write_text("mine")
        assert gallery("tags.csv", "-o", "gallery.html").code == USAGE
        assert not (tagged / "gallery.html").exists()


class TestHostileNames:
    NAMES = (
        "</script><script>document.title='ran'</script>.png",
        "<!--<script>.png",
        "a\u2028b\u2029.png",
        "' onerror='x' \" & $&.png",
        "@@SCRIPT@@.png",
    )

    def test_names_are_data(
        self, folder: Path, tag: Callable[..., Ran], gallery: Callable[..., Ran]
    ) -> None:
        names = [os.fsencode(name.replace("/", "∕")) for name in self.NAMES] + [b"\xff\xfe.png"]
        for name in names:
            save_picture(Path(os.fsdecode(os.path.join(os.fsencode(folder), b"p", name))))
        tag("p", "-o", "tags.csv")
        assert gallery("tags.csv", "-o", "gallery.html").code == 0

        page = folder / "gallery.html"
        text = page.read_bytes()
        assert text.count(b"<script") == text.count(b"</script>") == 2
        assert b"ran'<" not in text
        assert sorted(content(page)["paths"]) == sorted(
            ["p/" + name.replace("/", "∕") for name in self.NAMES] + ["p/\\xff\\xfe.png"]
        )

    def test_tags_labels_and_reasons_are_data(
        self, folder: Path, tagger: Callable[..., Ran]
    ) -> None:
        row = {
            "path": "x.png",
            "tags": "</script>|\u2028",
            "error": "<img src=x>",
            "</style>": 0.5,
        }
        (folder / "t.jsonl").write_text(json.dumps(row) + "\n")
        tagger("gallery", "t.jsonl", "-o", "gallery.html")
        data = content(folder / "gallery.html")
        assert (data["labels"], data["errors"]) == (["</style>"], {"0": "<img src=x>"})
        assert data["names"][1] == "</script>"


def test_the_same_table_makes_the_same_page(tagged: Path, gallery: Callable[..., Ran]) -> None:
    gallery("tags.csv", "-o", "a.html", "--workers", "1")
    gallery("tags.csv", "-o", "b.html", "--workers", "3")
    assert (tagged / "a.html").read_bytes() == (tagged / "b.html").read_bytes()


def test_a_table_without_images_makes_an_empty_page(
    folder: Path, gallery: Callable[..., Ran]
) -> None:
    (folder / "tags.csv").write_text("path,tags,error\n")
    ran = gallery("tags.csv", "-o", "gallery.html")
    assert (ran.code, ran.stderr) == (SOME_FAILED, "0 images in gallery.html.\n")


def test_a_full_disk_is_one_sentence(
    tagged: Path, gallery: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery_module, "MOST_EMBEDDED", 1)
    (tagged / "gallery_files").write_text("a file where the folder belongs")
    ran = gallery("tags.csv", "-o", "gallery.html")
    assert ran.code == 3
    assert ran.stderr.endswith("cannot be written: not a directory.\n")
    assert not (tagged / "gallery.html").exists()
