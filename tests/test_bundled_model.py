"""The model that the package brings along: small, ours, and scoring as it did when it was made.

The tables in ``golden`` are those of ``tagger tag samples -o FILE --text none``, and the ones with
titles, which only a model that takes a text needs, those without ``--text none``.
"""

import csv
import shutil
from pathlib import Path

import pytest
from commands import run_tagger

from tagger.find.film_titles import FilmTitles
from tagger.find.scan import WalkOptions, scan
from tagger.network.model import BUNDLED_CUDA_MODEL, BUNDLED_MODEL, TaggerModel, read_card
from tagger.pipeline.pipeline import tag_images
from tagger.results import Tagged
from tagger.rules import Rules

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"

# Other processors take other kernels; their scores differ in the last written decimal or two. The
# file for CUDA runs on the CPU here, which reckons with its float16 weights in float32.
TOLERANCE = 0.002


def sample_scores(file: Path, *, with_titles: bool) -> dict[str, list[float]]:
    """Tag the samples here and now."""
    model = TaggerModel(file, "cpu")
    samples = scan([str(ROOT / "samples")], WalkOptions())
    results = tag_images(
        samples.paths(lambda folder, reason: None),
        model,
        Rules.of_card(model.card),
        workers=2,
        text_of=FilmTitles().of if with_titles else None,
    )
    return {
        str(Path(result.path).relative_to(ROOT)): result.scores.tolist()
        for result in results
        if isinstance(result, Tagged)
    }


@pytest.mark.parametrize("with_titles", [False, True], ids=["picture", "titles"])
@pytest.mark.parametrize(
    ("file", "table"),
    [(BUNDLED_MODEL, "samples"), (BUNDLED_CUDA_MODEL, "samples-cuda")],
    ids=["cpu", "cuda"],
)
def test_the_samples_score_as_they_did_when_the_model_was_made(
    file: Path, table: str, with_titles: bool
) -> None:
    card = read_card(file)
    if with_titles and card.text is not None:
        table += "-titles"
    with (GOLDEN / f"{table}.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    golden = {row["path"]: [float(row[label]) for label in card.labels] for row in rows}
    scores = sample_scores(file, with_titles=with_titles)
    assert scores.keys() == golden.keys()
    worst = max(
        abs(here - then)
        for path in golden
        for here, then in zip(scores[path], golden[path], strict=True)
    )
    assert worst <= TOLERANCE


def test_it_knows_the_25_genres_and_never_emits_the_missing_one() -> None:
    card = read_card(BUNDLED_MODEL)
    assert (len(card.labels), card.never) == (25, ("N/A",))


def test_its_card_tells_where_it_comes_from() -> None:
    provenance = read_card(BUNDLED_MODEL).provenance
    assert provenance["trained_images"] > 5000
    assert 0 < provenance["validation"]["macro_ap"] < 1


def test_both_files_are_small_enough_to_ship() -> None:
    assert BUNDLED_MODEL.stat().st_size + BUNDLED_CUDA_MODEL.stat().st_size < 26_000_000


def test_both_files_choose_tags_alike() -> None:
    cards = [read_card(file) for file in (BUNDLED_MODEL, BUNDLED_CUDA_MODEL)]
    assert [card.precision for card in cards] == ["int8", "fp16"]
    assert cards[0].thresholds == cards[1].thresholds
    assert (cards[0].labels, cards[0].version) == (cards[1].labels, cards[1].version)


def test_a_sample_copied_elsewhere_is_tagged_without_any_option(tmp_path: Path) -> None:
    shutil.copy(ROOT / "samples" / "the-red-moon.jpg", tmp_path / "moon.jpg")
    ran = run_tagger("tag", "moon.jpg", "-f", "csv", "--layout", "list", cwd=tmp_path)
    header, row = ran.stdout.decode("utf-8").splitlines()
    assert (ran.code, header) == (0, "path,tags,error")
    path, tags, error = row.split(",")
    assert (path, error) == ("moon.jpg", "")
    assert set(tags.split("|")) <= set(read_card(BUNDLED_MODEL).labels)
