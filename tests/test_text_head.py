"""What a head learns from texts, what it must never learn from, and how it is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tagger.errors import DataError
from tagger.network.card import TextInput
from tagger.network.text_ids import text_ids
from tagger.results import ImageText

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

from tagger_training.fit import FitData
from tagger_training.fusion import learn_fusion
from tagger_training.labels import LabelledTexts
from tagger_training.split import validation_mask
from tagger_training.text_head import TextHead, Told
from tagger_training.text_learning import RunTexts, learn_and_judge

pytestmark = pytest.mark.train

TEXT = TextInput("ngrams-1", buckets=2**16, length=64, year=True)
IDS = tuple(f"film{number:03}" for number in range(300))
VALIDATION = np.flatnonzero(validation_mask(IDS, 0.3))
# By a word, by the year, and by chance.
RED = np.arange(300) % 3 == 0
OLD = np.arange(300) % 2 == 0
CHANCE = np.random.default_rng(1).random(300) < 0.4
TARGETS = np.stack([RED, OLD, CHANCE], axis=1).astype(np.uint8)
NOTHING_SEEN = np.full((len(VALIDATION), 3), 0.4)

FILLERS = ("house", "river", "garden", "window", "paper", "morning")


def text_of(number: int) -> ImageText:
    """Return a text that says whether the first label is true; the year says it of the second."""
    colour = "crimson" if RED[number] else "azure"
    filler = FILLERS[number * 7 % 6]
    return ImageText(f"{filler} {colour}", 1930 if OLD[number] else 2005)


def drawn_set() -> FitData:
    return FitData(
        images=np.zeros((0, 1, 1, 3), np.uint8),
        targets=TARGETS,
        taught=TARGETS.astype(np.float32),
        training=np.flatnonzero(~validation_mask(IDS, 0.3)),
        validation=VALIDATION,
        scored=np.ones(3, np.bool_),
    )


def learned(**changes: object) -> TextHead:
    texts = RunTexts({"title": [text_of(number) for number in range(300)]}, (), TEXT)
    texts = dataclasses.replace(texts, **changes)
    return learn_and_judge(texts, IDS, drawn_set(), NOTHING_SEEN)[0]


@pytest.fixture(scope="module")
def head() -> TextHead:
    """Return what was learned from drawn texts, beside a network that sees nothing."""
    return learned()


def probabilities(head: TextHead, *texts: ImageText | None, logit: float = 0.0) -> np.ndarray:
    fused = head(np.full((len(texts), 3), logit), Told.of_texts(texts, head.text))
    return 1 / (1 + np.exp(-fused))


def test_words_and_years_say_what_they_said_in_training(head: TextHead):
    told = probabilities(
        head,
        ImageText("crimson tide", 1931),
        ImageText("azure sky", 2007),
        ImageText("crimson"),
        ImageText("", 1932),
        ImageText("", 2008),
    )
    assert (told[[0, 2], 0] > 0.6).all()
    assert told[1, 0] < 0.3
    assert (told[[0, 3], 1] > 0.6).all()
    assert (told[[1, 4], 1] < 0.4).all()


def test_where_nothing_is_known_the_logits_of_the_picture_stay(head: TextHead):
    logits = np.random.default_rng(2).normal(size=(4, 3))
    unknown = (None, ImageText(), ImageText("qqqqq"), ImageText("", 0))
    assert np.array_equal(head(logits, Told.of_texts(unknown, TEXT)), logits)


def test_a_year_counts_by_five_and_far_ones_with_the_nearest(head: TextHead):
    def of(year: int) -> list[float]:
        return probabilities(head, ImageText("", year))[0].tolist()

    assert of(1930) == of(1934)
    assert of(1930) != of(1935)
    assert of(1) == of(1899) == of(1900) == of(1904)
    assert of(2045) == of(2049) == of(9999)


def test_a_head_without_years_ignores_them():
    head = learned(text=dataclasses.replace(TEXT, year=False))
    assert not head.years.any()
    with_year, without = probabilities(head, ImageText("crimson", 1931), ImageText("crimson"))
    assert with_year.tolist() == without.tolist()


def test_texts_of_validation_images_are_never_learned_from():
    secret = "xylophone"
    own = [text_of(number) for number in range(300)]
    for row in VALIDATION:
        own[row] = ImageText(f"{own[row].words} {secret}", own[row].year)
    names = (f"elsewhere/{IDS[VALIDATION[0]]}.jpg", IDS[VALIDATION[1]], "another", "other")
    words = (secret, secret, "quartz", "quartz")
    others = LabelledTexts(
        names, tuple(ImageText(word) for word in words), np.ones((4, 3), np.uint8)
    )
    head = learned(images={"title": own}, others=[others])

    def known(word: str) -> bool:
        return bool(head.table[text_ids(word, TEXT)[0], -1] > 0)

    assert not known(secret)
    assert known("quartz")
    assert known("crimson")


def test_scores_of_validation_images_come_from_weights_of_others():
    texts = RunTexts({"title": [text_of(number) for number in range(300)]}, (), TEXT)
    _, kinds = learn_and_judge(texts, IDS, drawn_set(), NOTHING_SEEN)
    judged = kinds["title"]
    assert list(kinds) == ["title"]
    assert judged.known.all()
    truth = TARGETS[VALIDATION]
    assert ((judged.scores[:, 0] > 0.5) == truth[:, 0]).mean() > 0.95
    # A change of one image's labels changes the scores of others, and never its own.
    changed = TARGETS.copy()
    changed[VALIDATION[3]] = 1 - changed[VALIDATION[3]]
    data = dataclasses.replace(drawn_set(), targets=changed)
    other = learn_and_judge(texts, IDS, data, NOTHING_SEEN)[1]["title"].scores
    assert np.array_equal(other[3], judged.scores[3])
    assert not np.array_equal(other[4], judged.scores[4])


def test_texts_that_say_nothing_of_the_labels_count_little():
    random = np.random.default_rng(4)
    truth = (random.random((400, 3)) < 0.3).astype(np.uint8)
    logits = np.full((400, 3), -0.8) + truth
    noise = random.normal(size=(400, 3))
    fusion = learn_fusion(truth, logits, noise, noise)
    assert np.abs(fusion.words + fusion.year).max() < 0.35
    telling = learn_fusion(truth, logits, noise + 3.0 * truth, np.zeros((400, 3)))
    assert telling.words.min() > 0.5


def test_a_head_is_kept_as_data(head: TextHead, tmp_path: Path):
    file = tmp_path / "text.npz"
    head.save(file)
    again = TextHead.load(file, TEXT, 3)
    for name in ("table", "years", "shift"):
        assert np.array_equal(getattr(again, name), getattr(head, name))
    assert again.scale == pytest.approx(head.scale)


def damaged(head: TextHead, file: Path, what: str) -> str:
    """Write a file that is no head; return what is said of it."""
    arrays = {name: getattr(head, name) for name in ("table", "years", "shift")}
    arrays["scale"] = np.float64(1)
    matching = f"{file} does not match the run's card: delete it and train again."
    if what == "no zip":
        file.write_bytes(b"no zip")
        return f"{file} cannot be read: "
    if what == "code":
        arrays["table"] = np.array([print], dtype=object)
        np.savez(file, **arrays)
        return f"{file} cannot be read: Object arrays cannot be loaded when allow_pickle=False."
    if what == "part":
        del arrays["years"]
        np.savez(file, **arrays)
        return f"{file} cannot be read: "
    if what == "labels":
        arrays["table"] = arrays["table"][:, 1:]
    else:
        arrays["shift"] = np.full(3, np.nan)
    np.savez(file, **arrays)
    return matching


@pytest.mark.parametrize("what", ["no zip", "code", "part", "labels", "numbers"])
def test_a_damaged_head_is_refused(head: TextHead, tmp_path: Path, what: str):
    file = tmp_path / "text.npz"
    said = damaged(head, file, what)
    with pytest.raises(DataError) as refused:
        TextHead.load(file, TEXT, 3)
    assert str(refused.value).startswith(said)


def test_a_missing_head_is_named(tmp_path: Path):
    with pytest.raises(DataError) as refused:
        TextHead.load(tmp_path / "text.npz", TEXT, 3)
    assert str(refused.value) == f"{tmp_path} is not a finished run: text.npz is missing."
