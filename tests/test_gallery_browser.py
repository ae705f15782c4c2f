"""The gallery in a real browser: looking, correcting, saving, and nothing else."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from browser import Page, browser
from commands import Ran, run_tagger, wait_until
from pictures import save_picture

pytestmark = pytest.mark.slow  # a browser

ROOT = Path(__file__).parent.parent
AXE = Path(sys.prefix) / "formats" / "axe_playwright_python" / "axe.min.js"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a table of the samples, a broken image among them, and its gallery."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(ROOT / "samples", folder / "posters", ignore=shutil.ignore_patterns("*.py"))
    (folder / "posters" / "broken.jpg").write_text("a text of some length, not an image\n")
    run_tagger("tag", "posters", "-o", "tags.csv", "--device", "cpu", cwd=folder)
    assert run_tagger("gallery", "tags.csv", "-o", "gallery.html", cwd=folder).code == 0
    return folder


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def page(chromium: Page, made: Path) -> Iterator[Page]:
    """Return the gallery as somebody sees it who never opened it; nothing may go wrong in it."""
    chromium.resize(1280, 900)
    chromium.open(made / "gallery.html")
    chromium.run("localStorage.clear(); corrections.clear()")
    chromium.reload()
    chromium.forget()
    yield chromium
    assert chromium.problems == []
    assert chromium.requests == []


def names(page: Page) -> list[str]:
    """Return the titles in the grid, in its order."""
    cells = page.run(
        "[...document.querySelectorAll('.cell:not(.blank)')].sort((a, b) => a.place - b.place)"
        ".map(one => one.querySelector('.name').textContent)"
    )
    return list(cells)


def press_tag(page: Page, name: str) -> None:
    """Click the bar of a tag."""
    place = page.texts("#genres .bar span:nth-child(2)").index(name) + 1
    page.click(f"#genres li:nth-child({place}) .bar")


def test_all_images_are_shown_with_tags_and_pictures(page: Page) -> None:
    assert page.text("#count") == "13 images"
    assert names(page)[:3] == ["a killers alibi", "biscuit goes north", "broken"]
    page.wait("[...document.querySelectorAll('.cell img')].every(one => one.naturalWidth > 100)")
    assert page.text(".cell:nth-child(3) .why") == "a text file, not an image"


class TestFilters:
    def test_text_in_path_or_title(self, page: Page) -> None:
        page.type("#search", "RED MOON")
        assert (names(page), page.text("#count")) == (["the red moon"], "1 of 13 images")
        page.type("#search", "festival/")
        assert len(names(page)) == 2

    def test_any_all_and_none_of_tags(self, page: Page) -> None:
        whole = {row[0]: row[1].split("|") for row in table_of(page)}
        drama = [name for name, tags in whole.items() if "Drama" in tags]
        both = [name for name in drama if "Action" in whole[name]]
        either = [name for name, tags in whole.items() if {"Drama", "Action"} & {*tags}]

        press_tag(page, "Drama")
        assert len(names(page)) == len(drama)
        press_tag(page, "Action")
        assert len(names(page)) == len(either)
        page.click("#mode-all")
        assert len(names(page)) == len(both) > 0
        page.click("#reset")
        assert page.text("#count") == "13 images"
        page.click("#genres li:nth-child(1) .not")
        assert len(names(page)) == 13 - len(drama)

    def test_a_pair_filters_for_both(self, page: Page) -> None:
        page.click("#pairs .bar")
        first, second = page.text("#pairs .bar span:nth-child(2)").split(" + ")
        shown = [row for row in table_of(page) if {first, second} <= {*row[1].split("|")}]
        assert len(names(page)) == len(shown)

    def test_failed_and_a_range_of_probability(self, page: Page) -> None:
        page.choose("#status", "failed")
        assert names(page) == ["broken"]
        page.click("#reset")
        page.choose("#range-label", str(labels(page).index("Drama")))
        page.choose("#range-from", "50")
        scores = dict(row[::2] for row in table_of(page, "Drama"))
        likely = [path for path, score in scores.items() if score and float(score) >= 0.5]
        assert len(names(page)) == len(likely) > 0

    def test_nothing_that_matches(self, page: Page) -> None:
        page.type("#search", "no such poster")
        assert page.texts("#empty") == ["No image matches. Show all"]
        page.click("#empty-reset")
        assert page.text("#count") == "13 images"


class TestOrder:
    def test_by_a_tags_probability(self, page: Page) -> None:
        page.choose("#sort", "falling")
        page.choose("#range-label", str(labels(page).index("Comedy")))
        scores = [float(row[2]) for row in table_of(page, "Comedy") if row[2]]
        shown = page.texts(".cell .score")
        assert shown[0] == f"Comedy {round(max(scores) * 100)} %"

    def test_least_sure_first_as_the_command_says(self, page: Page, made: Path) -> None:
        page.choose("#sort", "doubt")
        by_page = page.run("shown.map(row => DATA.paths[row])")
        run_tagger("gallery", "tags.csv", "-o", "d.html", "--least-sure", "99", cwd=made)
        found = re.search(r'"paths":(\[.*?\])', (made / "d.html").read_text(encoding="utf-8"))
        assert found is not None
        assert by_page == [*json.loads(found[1]), "posters/broken.jpg"]


def table_of(page: Page, label: str = "") -> list[list[str]]:
    """Return path, tags and the probability of a label of each row that a page would save."""
    text = page.run("table([...DATA.paths.keys()])")
    rows = csv.DictReader(text.splitlines())
    return [[row["path"], row["tags"], row.get(label, "")] for row in rows]


def labels(page: Page) -> list[str]:
    return list(page.run("LABELS"))


class TestLargeView:
    def test_it_shows_all_probabilities_and_leads_on(self, page: Page) -> None:
        page.click(".cell")
        assert page.text("#view-title") == "a killers alibi"
        assert page.text("#view-path") == "posters/a-killers-alibi.gif"
        assert page.run("document.querySelector('#view-path').href").endswith(
            "/posters/a-killers-alibi.gif"
        )
        shown = page.texts("#view-bars .p")
        assert len(shown) == len(labels(page))
        values = [float(one.removesuffix(" %")) for one in shown]
        assert values == sorted(values, reverse=True)
        page.press("ArrowRight")
        assert page.text("#view-title") == "biscuit goes north"
        page.press("Escape")
        assert page.run("document.activeElement.id") == "grid"

    def test_the_image_itself_is_where_the_link_leads(self, page: Page, made: Path) -> None:
        addresses = page.run("DATA.paths.map((_, row) => new URL(addressOf(row), location).href)")
        files = [os.fsencode(made / path) for path in page.run("DATA.paths")]
        assert [path_of(address) for address in addresses] == files

    def test_a_failed_image_says_why(self, page: Page) -> None:
        page.click(".cell:nth-child(3)")
        assert page.text("#view-error") == "Could not be tagged: a text file, not an image"


class Heard:
    """Hears what happens while corrected images are read."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, notice: object) -> None:
        self.notices.append(str(notice))

    def images_decoded(self, done: int, total: int) -> None:
        pass


class TestCorrecting:
    def test_a_bar_sets_and_undo_takes_back(self, page: Page) -> None:
        page.click(".cell")
        before = page.texts("#view-tags button")
        last = page.run("[...document.querySelectorAll('#view-bars button')].at(-1).dataset.label")
        page.click(f'#view-bars [data-label="{last}"]')
        assert page.texts("#view-tags button") == [*before, f"{labels(page)[int(last)]} ×"]
        page.press("u")
        assert page.texts("#view-tags button") == before
        assert not page.run("corrections.size")

    def test_typed_tags_may_be_new(self, page: Page) -> None:
        page.click(".cell")
        before = page.texts("#view-tags button")
        page.type("#view-add", "Noir & <b>")
        page.press("Enter")
        assert page.texts("#view-tags button") == [*before, "Noir & <b> ×"]
        page.type("#view-add", "a|b")
        page.press("Enter")
        assert page.texts("#view-tags button") == [*before, "Noir & <b> ×"]
        page.press("Escape")
        assert "Noir & <b>" in page.texts("#genres .bar span:nth-child(2)")

    def test_a_selection_gets_a_tag_and_loses_one(self, page: Page) -> None:
        page.click(".cell:nth-child(1) .pick")
        page.click(".cell:nth-child(4) .pick", shift=True)
        assert page.text("#selected") == "4 images selected"
        page.type("#selection-tag", "noir")
        page.press("Enter")
        page.type("#selection-tag", "drama")
        page.click("#selection-remove")
        tags = [row[1].split("|") for row in table_of(page)]
        assert all("noir" in each and "Drama" not in each for each in tags[:4])
        assert all("noir" not in each for each in tags[4:])
        page.press("z", ctrl=True)
        page.run("document.querySelector('#undo').click()")
        assert not page.run("table([...DATA.paths.keys()])").count("noir")

    def test_what_a_person_did_stays_when_the_page_is_opened_again(self, page: Page) -> None:
        page.click(".cell")
        page.press("c")
        page.press("ArrowRight")
        page.press("1")
        tags = page.texts("#view-tags button")
        page.reload()
        assert page.text("#corrections") == "2"
        page.click(".cell:nth-child(2)")
        assert page.texts("#view-tags button") == tags
        page.press("Escape")
        page.choose("#status", "corrected")
        assert names(page) == ["a killers alibi", "biscuit goes north"]

    def test_corrections_are_kept_at_once(self, page: Page) -> None:
        """What is written when a page is left may come after the next one has read."""
        kept = page.run("setTag([0], 0, true); localStorage.getItem(KEY + DATA.digest)")
        assert list(json.loads(kept)["saved"]) == [page.run("DATA.paths[0]")]
        assert page.run("undo(); localStorage.getItem(KEY + DATA.digest)") is None

    def test_another_tables_page_offers_corrections_of_the_same_images(
        self, page: Page, made: Path
    ) -> None:
        page.click(".cell")
        page.press("c")
        page.press("Escape")
        table = (made / "tags.csv").read_text(encoding="utf-8")
        (made / "other.csv").write_text(table.replace("|Drama", "", 1), encoding="utf-8")
        run_tagger("gallery", "other.csv", "-o", "other.html", cwd=made)

        page.open(made / "other.html")
        assert page.text("#notice-text") == (
            "In an earlier gallery of tags.csv you corrected 1 image that this one shows, too."
        )
        page.click("#notice-do")
        assert page.text("#corrections") == "1"
        page.open(made / "gallery.html")

    def test_the_saved_table_is_applied(self, page: Page, made: Path) -> None:
        page.click(".cell")
        page.type("#view-add", "Noir")
        page.press("Enter")
        page.press("Escape")
        page.click(".cell:nth-child(2)")
        page.press("c")
        page.press("Escape")
        page.click("#save-open")
        assert page.text("#save-command").splitlines()[1] == "tagger apply tags-corrected.csv"
        saved = page.downloaded("#save-corrected")
        assert saved.name == "tags-corrected.csv"

        lines = saved.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("path,tags,error,corrected,")
        assert [line.split(",")[3] for line in lines[1:]] == ["added Noir", "checked"]
        shutil.move(saved, made / "tags-corrected.csv")
        ran = run_tagger("apply", "tags-corrected.csv", "--yes", cwd=made)
        assert (ran.code, "2 files written, 0 failed." in ran.stderr) == (0, True), ran.stderr
        sidecar = (made / "posters" / "a-killers-alibi.gif.xmp").read_text(encoding="utf-8")
        assert "Noir" in sidecar
        # And it is a table for the next gallery.
        assert run_tagger("gallery", "tags-corrected.csv", "-o", "c.html", cwd=made).code == 0
        page.click("#save-close")

    def test_the_saved_table_is_learned_from(
        self, chromium: Page, folder: Path, tagger: Callable[..., Ran], tiny_model: Path
    ) -> None:
        from tagger_training.corrections import read_corrected

        from tagger.network.model import read_card

        true = {f"p/{name}.png": [name] for name in ("red", "green", "blue")} | {"p/none.png": []}
        for path in true:
            save_picture(folder / path, "black")
        tagger("tag", "p", "-o", "tags.csv", "--model", tiny_model, "--device", "cpu")
        tagger("gallery", "tags.csv", "-o", "gallery.html", "--model", tiny_model)
        chromium.open(folder / "gallery.html")
        chromium.run(
            "(known => DATA.paths.slice(0, 3).forEach((path, row) =>"
            f"correct([row], () => known[path].map(placeOf))))({json.dumps(true)})"
        )
        chromium.click("#save-open")
        shutil.move(chromium.downloaded("#save-all"), folder / "tags-corrected.csv")

        card, heard = read_card(tiny_model), Heard()
        table = Path("tags-corrected.csv")
        with read_corrected(table, folder / "p", card, heard) as (pixels, targets):
            learned = [[card.labels[place] for place in row.nonzero()[0]] for row in targets]
            assert len(pixels) == 3
        # The fourth is as the model tagged it, from which it learns nothing.
        assert learned == [["blue"], ["green"], []]
        assert heard.notices == ["1 label treated as false everywhere (not in the table): N/A"]

    def test_the_whole_table_has_the_same_rows_and_probabilities(
        self, page: Page, made: Path
    ) -> None:
        page.click("#save-open")
        saved = page.downloaded("#save-all")
        text = saved.read_text(encoding="utf-8")
        saved.unlink()
        without = [row[:3] + row[4:] for row in csv.reader(text.splitlines())]
        table = (made / "tags.csv").read_text(encoding="utf-8").splitlines()
        assert without == list(csv.reader(table))
        page.click("#save-close")


def tags_by(made: Path, *options: str) -> list[list[str]]:
    """Return the tags that the command chooses again, for each image."""
    ran = run_tagger("retag", "tags.csv", "--layout", "list", *options, cwd=made)
    rows = csv.reader(ran.stdout.decode("utf-8").splitlines()[1:])
    return [list(filter(None, row[1].split("|"))) for row in rows]


class TestThresholds:
    def test_a_slider_shows_gains_losses_and_the_options(self, page: Page, made: Path) -> None:
        page.click("#tune-open")
        place = labels(page).index("Drama")
        page.choose(f"#threshold-{place}", "0.99")
        page.wait("!document.querySelector('#tune-result').hidden")
        moves = f"#sliders .slider:has(#threshold-{place}) .moves"
        before = sum("Drama" in row[1].split("|") for row in table_of(page))
        after = sum("Drama" in tags for tags in tags_by(made, "--threshold=Drama=0.99"))
        drama = before - after
        assert drama > 0
        assert page.text(f"{moves} .loss") == f"−{drama}"
        assert page.run("document.querySelector('#tune-options').value") == "--threshold Drama=0.99"
        assert page.run("document.querySelector('#tune-toml').value") == (
            '[tag]\nthreshold = ["Drama=0.99"]\n'
        )
        page.click(f"{moves} .loss")
        assert len(names(page)) == drama
        page.click("#tune-reset")
        assert page.text("#count") == "13 images"
        page.click("#tune-close")

    def test_tags_are_chosen_as_by_the_command(self, page: Page, made: Path) -> None:
        """Thresholds of all kinds, so that limits, too few and too many tags all occur."""
        page.click("#tune-open")
        for thresholds in ({"Drama": 0.2, "Comedy": 0.1}, {"Drama": 0.9, "Documentary": 0.05}):
            chosen = page.run(
                f"(() => {{ const t = [...THRESHOLDS]; Object.entries({json.dumps(thresholds)})"
                ".forEach(([label, value]) => { t[LABELS.indexOf(label)] = value; });"
                "return DATA.paths.map((_, row) => "
                "choose(row, t).map(tag => NAMES[tag]).sort()); })()"
            )
            options = [f"--threshold={label}={value}" for label, value in thresholds.items()]
            assert [sorted(tags) for tags in tags_by(made, *options)] == chosen

    def test_precision_and_recall_follow_corrected_images(self, page: Page) -> None:
        page.click(".cell")
        page.press("c")
        page.press("Escape")
        page.click("#tune-open")
        place = labels(page).index("Drama")
        moves = f"#sliders .slider:has(#threshold-{place}) .moves"
        assert "precision 100 %, recall 100 %" in page.text(moves)
        page.choose(f"#threshold-{place}", "0.99")
        page.wait(f"document.querySelector('{moves}').innerText.includes('recall 0')")
        page.click("#tune-close")

    def test_known_tags_measure_them_and_find_mistakes(self, page: Page, made: Path) -> None:
        rows = table_of(page)
        drama = [path for path, tags, _ in rows if "Drama" in tags.split("|")]
        (made / "known.csv").write_text(
            "path,tags\n" + "".join(f'"{path}",Drama\n' for path in [*drama[1:], rows[1][0]]),
            encoding="utf-8",
        )
        ran = run_tagger(
            "gallery", "tags.csv", "-o", "known.html", "--truth", "known.csv", cwd=made
        )
        assert ran.code == 0, ran.stderr
        page.open(made / "known.html")
        page.click("#tune-open")
        moves = f"#sliders .slider:has(#threshold-{labels(page).index('Drama')}) .moves"
        known = {*drama[1:], rows[1][0]}
        found = len(known & {*drama})
        assert f"precision 100 %, recall {round(found / len(known) * 100)} %" in page.text(moves)
        page.click("#tune-close")
        page.choose("#status", "lacking")
        assert len(names(page)) == len(known) - found
        page.open(made / "gallery.html")


class TestWhy:
    def test_without_maps_the_command_is_shown(self, page: Page, made: Path) -> None:
        page.click(".cell")
        assert page.texts("#view-bars .not") == []
        page.click("#view-explain summary")
        command = page.text("#view-command")
        assert command == "tagger explain posters/a-killers-alibi.gif -o why.html"
        assert run_tagger(*command.split()[1:], cwd=made).code == 0

    def test_the_picture_shows_what_speaks_for_a_tag(self, page: Page, made: Path) -> None:
        options = ("--limit", "2", "--explain")
        assert run_tagger("gallery", "tags.csv", "-o", "lit.html", *options, cwd=made).code == 0
        page.open(made / "lit.html")
        page.click(".cell")
        shown = (
            "['#view-image', '#view-lit'].map(one => document.querySelector(one).checkVisibility())"
        )
        assert page.run(shown) == [True, False]
        page.click("#view-bars .not")
        first = page.run("LABELS[labelsByScore(viewedRow())[0]]")
        assert page.run(shown) == [False, True]
        assert re.fullmatch(rf"{first}: (mostly|no single) .*without.* %\.", page.text("#view-why"))
        page.wait("document.querySelector('#view-lit').width > 200")
        page.click("#view-bars .not")
        assert page.run(shown) == [True, False]
        page.click("#view-bars .not")
        page.press("ArrowRight")
        assert page.run(shown) == [True, False]
        page.open(made / "gallery.html")


class TestKeyboard:
    def test_the_grid_is_used_without_a_mouse(self, page: Page) -> None:
        page.run("document.querySelector('#grid').focus()")
        page.press("ArrowRight")
        page.press(" ")
        page.press("ArrowRight", shift=True)
        assert page.text("#selected") == "2 images selected"
        page.press("Escape")
        page.press("End")
        active = "document.getElementById(grid.getAttribute('aria-activedescendant'))"
        assert page.run(f"{active}.getAttribute('aria-label')").startswith("the red moon")
        page.press("Home")
        page.press("Enter")
        assert page.text("#view-title") == "a killers alibi"
        page.press("Escape")
        page.press("?")
        assert page.run("document.querySelector('#help').open")
        page.press("Escape")
        page.press("/")
        assert page.run("document.activeElement.id") == "search"

    def test_every_control_can_be_reached(self, page: Page) -> None:
        page.run("document.querySelector('#grid').focus(); document.body.focus()")
        reached = set()
        for _ in range(80):
            page.press("Tab")
            reached.add(page.run("document.activeElement.id"))
        assert {
            "search",
            "sort",
            "tune-open",
            "save-open",
            "status",
            "range-from",
            "grid",
        } <= reached


def test_light_and_dark_are_as_the_system_and_the_person_like(page: Page) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    page.prefer("dark")
    page.wait(f"{paper} === 'rgb(18, 22, 28)'")
    page.prefer("light")
    page.wait(f"{paper} === 'rgb(250, 251, 252)'")
    page.click("#theme")
    page.reload()
    assert page.run(paper) == "rgb(18, 22, 28)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 420])
def test_axe_finds_no_fault(page: Page, scheme: str, width: int) -> None:
    if not AXE.is_file():
        if os.environ.get("TAGGER_TEST_READERS") == "required":
            pytest.fail("axe is not installed")
        pytest.skip("axe is not installed")
    page.prefer(scheme)
    page.resize(width, 900)
    page.run(AXE.read_text(encoding="utf-8") + ";0")

    def faults() -> list[str]:
        found = page.run(
            "axe.run().then(done => done.violations.map(one => one.id + ': ' + "
            "one.nodes.map(node => node.html).join(' ')))"
        )
        return list(found)

    assert faults() == []
    page.click(".cell .pick")
    assert faults() == []
    page.run("toggleTune(true)")
    assert faults() == []
    page.run("toggleTune(false); clearSelection(); openView(0)")
    assert faults() == []
    page.press("Escape")
    page.run("openSave()")
    assert faults() == []
    page.press("Escape")


def test_it_can_be_printed(page: Page, tmp_path: Path) -> None:
    assert page.pdf(tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_hostile_names_stay_data(
    chromium: Page,
    folder: Path,
    tag: Callable[..., Ran],
    tagger: Callable[..., Ran],
    tiny_model: Path,
) -> None:
    names = [
        b"</script><script>console.error(1)</script>.png".replace(b"/", b"_"),
        b"'\"><img src=x onerror=console.error(2)>.png",
        b"<svg onload=console.error(3)>#?%41&amp;.png",
        b"\xff\xfe \\x41.png",
        "a\u2028b\u202e.png".encode(),
    ]
    for name in names:
        save_picture(Path(os.fsdecode(os.path.join(os.fsencode(folder), b"p", name))))
    tag("p", "-o", "tags.csv")
    tagger("gallery", "tags.csv", "-o", "hostile.html", "--model", tiny_model)

    chromium.forget()
    chromium.open(folder / "hostile.html")

    assert chromium.run("document.querySelectorAll('.cell:not(.blank)').length") == len(names)
    for place in range(len(names)):
        chromium.run(f"openView({place})")
        assert chromium.run("document.querySelectorAll('#view img').length") == 1
    addresses = chromium.run("DATA.paths.map((_, row) => new URL(addressOf(row), location).href)")
    found = sorted(os.fsencode(folder / "p") + b"/" + name for name in names)
    assert sorted(path_of(address) for address in addresses) == found
    assert (chromium.problems, chromium.requests) == ([], [])


def path_of(address: str) -> bytes:
    assert "?" not in address
    assert "#" not in address
    return unquote_to_bytes(address.removeprefix("file://"))


def test_a_request_is_forbidden_and_would_be_noticed(
    page: Page, chromium: Page, made: Path
) -> None:
    text = (made / "gallery.html").read_text(encoding="utf-8")
    image = '<img src="http://127.0.0.1:9/x.png">'
    (made / "bad.html").write_text(text.replace("</main>", f"{image}</main>"), encoding="utf-8")
    chromium.open(made / "bad.html")
    wait_until(lambda: any("Content Security Policy" in line for line in chromium.problems))
    chromium.forget()


def test_pictures_wait_for_the_end_of_a_quick_scroll(page: Page) -> None:
    page.resize(300, 300)
    page.wait("innerHeight === 300 && columns === 2 && gridHeight < 250")
    grid = "document.getElementById('grid')"
    cells = "[...drawn.get(rowCount() - 1).querySelectorAll('.cell:not(.blank)')]"
    has_picture = ".map(one => Boolean(one.querySelector('img')))"
    assert not page.run("drawn.has(rowCount() - 1)")
    waiting = page.run(f"{grid}.scrollTop = 1e6; drawScrolled(); {cells}{has_picture}")
    assert waiting == [False]
    page.wait(f"{cells}{has_picture}[0]")
    order = page.run("[...document.querySelectorAll('.row')].map(one => Number(one.ariaRowIndex))")
    assert order == sorted(order)


def test_thumbnails_beside_the_page_are_shown(
    chromium: Page, made: Path, monkeypatch: pytest.MonkeyPatch, kept_signals: None
) -> None:
    from tagger.cli import run
    from tagger.gallery import gallery

    monkeypatch.setattr(gallery, "MOST_EMBEDDED", 1)
    monkeypatch.setattr(gallery, "MOST_ON_PAGE", 10)
    monkeypatch.chdir(made)
    assert run(["gallery", "tags.csv", "-o", "large.html", "-q"]) == 0
    chromium.forget()
    chromium.open(made / "large.html")
    chromium.wait("[...document.querySelectorAll('.cell img')].every(one => one.naturalWidth)")
    assert chromium.texts("#pages a") == ["1", "2"]
    assert chromium.text("#covered") == (
        "This page has images 1 to 10 of 13, by path. "
        'Filters, charts, thresholds and "Save" concern these alone.'
    )
    second = chromium.run("document.querySelectorAll('#pages a')[1].href")
    assert second == (made / "large-2.html").as_uri()
    asked = chromium.requests
    assert asked
    folder = (made / "large_files" / ".thumbnails").as_uri()
    assert all(address.startswith(folder) for address in asked)
    chromium.forget()
    chromium.open(second)
    assert chromium.text("#covered").startswith("This page has images 11 to 13 of 13")
    assert chromium.run("document.querySelector('#pages [aria-current]').textContent") == "2"
    assert chromium.run("savedName()") == "tags-corrected-2.csv"
    assert chromium.problems == []
    chromium.forget()
