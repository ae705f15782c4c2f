"""What a network is told besides the picture: words as ids, and years."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from commands import PATIENCE
from hypothesis import given
from hypothesis import strategies as st
from main_memory import SessionInMainMemory
from pictures import save_picture
from tiny_model import CARD, SIDE, TEXT_CARD, changed_card, write_graph, write_text_model

from tagger.decode.budget import ImageLimits
from tagger.errors import ModelError
from tagger.network import model as model_module
from tagger.network.card import ModelCard, TextInput
from tagger.network.model import TaggerModel, read_card
from tagger.network.text_ids import text_ids
from tagger.pipeline.decode import Decode
from tagger.pipeline.pipeline import tag_images
from tagger.results import Failed, ImageText, Result, Tagged
from tagger.rules import Rules

TEXT = TextInput("ngrams-1", buckets=1000, length=32, year=False)

# Reckoned apart from the code: the features written down by hand, and a CRC-32 bit by bit.
REFERENCE = {
    "Heat": [231, 674, 998, 610, 101, 643, 653, 485, 776, 944],
    "HEAT!": [231, 674, 998, 610, 101, 643, 653, 485, 776, 944],
    "Die Hard 2": [
        621,
        517,
        471,
        377,
        994,
        887,
        333,
        53,
        12,
        602,
        979,
        9,
        816,
        596,
        165,
        873,
        95,
        604,
        494,
        689,
        937,
    ],
    "Am\xe9lie": [213, 827, 996, 340, 974, 661, 53, 901, 589, 939, 581, 599, 560, 441, 992, 141],
    "Ame\u0301lie": [213, 827, 996, 340, 974, 661, 53, 901, 589, 939, 581, 599, 560, 441, 992, 141],
    "Stra\xdfe \ufb01": [
        148,
        43,
        672,
        514,
        747,
        104,
        952,
        510,
        323,
        891,
        374,
        781,
        422,
        308,
        118,
        746,
        448,
        878,
        388,
        430,
        212,
        845,
        990,
        619,
    ],
    "\u4e03\u4eba\u306e\u4f8d": [821, 134, 629, 661, 459, 845, 681, 426, 603, 3],
    "\u0416\u0430\u0440\u0430": [81, 124, 531, 787, 726, 778, 950, 364, 85, 711],
    "\u0939\u093f\u0928\u094d\u0926\u0940": [648, 487, 806, 75, 110, 964, 791],
    "a_b\U0001f600c": [513, 507, 453, 174, 243, 288, 285, 942],
    "\ud800a\x00b\u200bc": [513, 507, 453, 174, 243, 288, 285, 942],
    "no No NO": [648, 108, 138, 564, 893],
    "\u0661\u0669 \xb2": [757, 471, 830, 78, 41, 400, 937],
    "\u01c5": [727, 625, 538, 343],
}

# Of the sequences across words, reckoned likewise.
ACROSS_WORDS = {
    "Die Hard 2": [
        621,
        517,
        471,
        377,
        994,
        723,
        841,
        78,
        218,
        262,
        979,
        473,
        721,
        237,
        806,
        577,
        658,
        813,
        509,
        641,
    ],
    "Am\xe9lie": [213, 982, 86, 252, 291, 64, 770, 160, 265, 872],
    "a_b\U0001f600c": [513, 507, 453, 174, 243, 208],
    "\u4e03\u4eba\u306e\u4f8d": [821, 476, 140, 898],
    "it's": [357, 417, 258, 669],
    "no No NO": [648, 108, 59, 771, 735, 908, 644, 559],
    "": [],
}


def ids(words: str, text: TextInput = TEXT) -> list[int]:
    """Return a text's ids without the padding."""
    found = text_ids(words, text)
    assert (found.dtype, found.shape) == (np.int32, (text.length,))
    count = int(np.count_nonzero(found))
    assert not found[count:].any()
    return found[:count].tolist()


@pytest.mark.parametrize("words", REFERENCE)
def test_the_ids_of_a_text_are_the_same_everywhere(words: str) -> None:
    assert ids(words) == REFERENCE[words]


@pytest.mark.parametrize("words", ACROSS_WORDS)
def test_sequences_of_characters_may_go_across_words(words: str) -> None:
    text = TextInput("ngrams-2", buckets=1000, length=32, year=False)

    assert ids(words, text) == ACROSS_WORDS[words]


def test_words_that_lost_their_space_have_the_sequences_of_the_others() -> None:
    text = TextInput("ngrams-2", 2**24, 512, year=False)

    apart, glued = set(ids("die hard", text)), set(ids("diehard", text))
    assert len(apart - glued) == 3  # two words and their pair
    assert len(glued - apart) == 1  # one word


@pytest.mark.parametrize(
    "words", ["", " ", "_", "...", "\ud800", "\x00\x1b", "\U0001f600", "\u0301"]
)
def test_a_text_without_letters_or_digits_has_no_ids(words: str) -> None:
    assert ids(words) == []


def test_the_first_ids_are_kept_of_a_text_that_has_more() -> None:
    for length in (1, 3, 10, 20, 21):
        text = TextInput("ngrams-1", 1000, length, year=False)
        assert ids("Die Hard 2", text) == REFERENCE["Die Hard 2"][:length]


def test_sixty_four_characters_of_a_word_count() -> None:
    text = TextInput("ngrams-1", 2**24, 1024, year=False)

    assert ids("ab" * 32, text) == ids("ab" * 33, text) == ids("ab" * 500_000, text)
    assert ids("ab" * 32, text) != ids("ab" * 31, text)


def test_as_many_words_as_ids_count() -> None:
    text = TextInput("ngrams-1", 2**24, 8, year=False)
    numbers = " ".join(map(str, range(8)))

    assert ids(f"{numbers} 8", text) == ids(numbers, text)
    assert (
        ids("a " * 7 + "b", text)
        != ids("a " * 8 + "b", text)
        == ids("a", text)[:1] + ids("a a", text)[1:2] + ids("a", text)[1:]
    )


@pytest.mark.parametrize("words", ["a ", "\ufdfa", "\ufdfa ", "!", "\u0301", "\x00"])
def test_a_text_of_a_megabyte_is_read_no_further_than_counts(words: str) -> None:
    text = TextInput("ngrams-1", 1000, 4, year=False)

    assert ids(words * 1_000_000, text) == ids((words * 260)[:260], text)


def test_identical_texts_are_hashed_once() -> None:
    assert text_ids("The Third Man", TEXT) is text_ids("The Third Man", TEXT)
    with pytest.raises(ValueError, match="read-only"):
        text_ids("The Third Man", TEXT)[0] = 1


@given(st.text(st.characters()), st.integers(1, 5), st.integers(1, 40))
def test_any_text_has_ids_within_the_buckets(words: str, buckets: int, length: int) -> None:
    found = ids(words, TextInput("ngrams-1", buckets, length, year=False))

    assert len(set(found)) == len(found) <= min(buckets, length)
    assert all(1 <= one <= buckets for one in found)


# Models that take a text


@pytest.fixture(params=["cpu", "openvino", "cuda:0", "tensorrt:0"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a device; the way of GPUs runs in main memory."""
    monkeypatch.setattr(model_module, "cuda_problem", lambda: None)
    monkeypatch.setattr(model_module, "Session", SessionInMainMemory)
    return str(request.param)


def with_batches(file: Path, sizes: dict[str, int]) -> Path:
    """Let some ends of a model file prescribe the size of a batch."""
    model = onnx.load(file)
    for end in (*model.graph.input, *model.graph.output):
        if end.name in sizes:
            end.type.tensor_type.shape.dim[0].dim_value = sizes[end.name]
    file.write_bytes(model.SerializeToString())
    return file


def without_year(card: ModelCard = TEXT_CARD) -> ModelCard:
    assert card.text is not None
    return dataclasses.replace(card, text=dataclasses.replace(card.text, year=False))


def black(count: int) -> np.ndarray:
    return np.zeros((count, SIDE, SIDE, 3), np.uint8)


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)


TEXTS = [
    ImageText("The Red Shoes", 1948),
    None,
    ImageText("Blue, GREEN"),
    ImageText(year=2001),
    ImageText("Redder"),
]
SCORES = [[1, 0, 0, 0.1948], [0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0.2001], [0, 0, 0, 0]]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 8])
def test_each_image_is_scored_with_its_own_text(
    tiny_text_model: Path, device: str, batch_size: int
) -> None:
    model = TaggerModel(tiny_text_model, device, batch_size=batch_size)

    for _ in range(2):  # the second batch goes where the first one went
        np.testing.assert_allclose(model.scores(black(5), TEXTS), SCORES, atol=1e-7)


@pytest.mark.parametrize(
    "texts", [None, [], [None] * 5, [ImageText()], [ImageText(" ._ "), ImageText("", None, "ocr")]]
)
def test_without_a_text_the_scores_are_those_of_the_picture_to_the_bit(
    tiny_model: Path, tiny_text_model: Path, device: str, texts: Sequence[ImageText | None] | None
) -> None:
    model = TaggerModel(tiny_text_model, device, batch_size=3)
    model.scores(noise(3), TEXTS[:3])  # leaves nothing behind
    alone = TaggerModel(tiny_model, device, batch_size=3)

    assert np.array_equal(model.scores(noise(5), texts), alone.scores(noise(5)))


def test_images_without_a_text_at_the_end_of_a_batch_need_none(
    tiny_text_model: Path, device: str
) -> None:
    model = TaggerModel(tiny_text_model, device, batch_size=4)

    assert model.scores(black(4), TEXTS[:1])[:, 0].tolist() == [1, 0, 0, 0]


def test_a_model_without_a_text_ignores_texts(tiny_model: Path, device: str) -> None:
    model = TaggerModel(tiny_model, device, batch_size=3)

    assert np.array_equal(model.scores(noise(5), TEXTS), model.scores(noise(5)))


def test_a_model_may_take_a_text_and_no_year(tmp_path: Path, device: str) -> None:
    file = write_text_model(tmp_path / "m.onnx", without_year())

    scores = TaggerModel(file, device, batch_size=2).scores(black(5), TEXTS)

    assert scores.tolist() == [[1, 0, 0, 0], [0] * 4, [0, 1, 1, 0], [0] * 4, [0] * 4]


@pytest.mark.parametrize("year", [0, -1, 10_000, 2**31, -(2**63), 10**30])
def test_a_number_that_is_no_year_is_none(tiny_text_model: Path, year: int) -> None:
    model = TaggerModel(tiny_text_model, "cpu")

    assert model.scores(black(1), [ImageText("", year)]).tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("fixed", [("images", "text", "year", "scores"), ("text",), ("year",)])
@pytest.mark.parametrize("size", [1, 3, 8])
def test_a_fixed_batch_is_run_as_it_is_with_texts(
    tmp_path: Path, device: str, size: int, fixed: tuple[str, ...]
) -> None:
    file = with_batches(write_text_model(tmp_path / "m.onnx"), dict.fromkeys(fixed, size))

    model = TaggerModel(file, device)

    assert model.batch_size == size
    np.testing.assert_allclose(model.scores(black(5), TEXTS), SCORES, atol=1e-7)


# Cards that describe another graph

INPUTS: dict[str, list[str | int]] = {"text": ["batch", 128], "year": ["batch"]}


def write_deaf_model(file: Path, texts: dict[str, list[str | int]]) -> Path:
    """Write a model that takes texts, makes nothing of them, and has the card of one that does."""
    nodes = [
        onnx.helper.make_node("Cast", ["images"], ["samples"], to=1),
        onnx.helper.make_node("ReduceMean", ["samples", "sides"], ["means"], keepdims=0),
        onnx.helper.make_node("Div", ["means", "divisor"], ["colours"]),
        onnx.helper.make_node("ReduceMin", ["colours", "channel"], ["grey"], keepdims=1),
        onnx.helper.make_node("Concat", ["colours", "grey"], ["scores"], axis=1),
    ]
    constants = {
        "sides": np.array([1, 2]),
        "divisor": np.array(255, dtype=np.float32),
        "channel": np.array([1]),
    }
    return write_graph(file, nodes, constants, TEXT_CARD, texts=texts)


def test_a_model_that_makes_nothing_of_texts_is_one(tmp_path: Path) -> None:
    # Else the refusals below would show nothing.
    assert read_card(write_deaf_model(tmp_path / "m.onnx", INPUTS)) == TEXT_CARD


@pytest.mark.parametrize(
    "card",
    [
        CARD,
        without_year(),
        changed_card(text=TextInput("ngrams-1", 2**20, 127, year=True)),
        changed_card(text=TextInput("ngrams-1", 2**20, 8192, year=True)),
    ],
)
def test_a_card_that_describes_another_text_is_refused(
    tmp_path: Path, card: ModelCard, device: str
) -> None:
    file = write_text_model(tmp_path / "m.onnx")
    model = onnx.load(file)
    model.metadata_props[0].value = card.to_json()
    file.write_bytes(model.SerializeToString())

    assert refusal(file, device) == f"The inputs and outputs of {file} do not match its card."


@pytest.mark.parametrize(
    "texts",
    [
        {},
        {"text": ["batch", 128]},
        {"year": ["batch"]},
        {"year": ["batch"], "text": ["batch", 128]},
        {"text": ["batch", "length"], "year": ["batch"]},
        {"text": [128], "year": ["batch"]},
        {"text": ["batch", 128], "year": []},
        {"text": ["batch", 128], "year": ["batch", 1]},
        {"text": ["batch", 128], "year": ["batch"], "images2": ["batch"]},
    ],
)
def test_a_graph_without_what_the_card_says_is_refused(
    tmp_path: Path, texts: dict[str, list[str | int]]
) -> None:
    file = write_deaf_model(tmp_path / "m.onnx", texts)

    assert refusal(file) == f"The inputs and outputs of {file} do not match its card."


@pytest.mark.parametrize("name", ["text", "year"])
def test_ids_of_another_type_are_refused(tmp_path: Path, name: str) -> None:
    file = write_deaf_model(tmp_path / "m.onnx", INPUTS)
    model = onnx.load(file)
    (end,) = (end for end in model.graph.input if end.name == name)
    end.type.tensor_type.elem_type = onnx.TensorProto.INT64
    file.write_bytes(model.SerializeToString())

    assert refusal(file) == f"The inputs and outputs of {file} do not match its card."


@pytest.mark.parametrize("sizes", [{"images": 4, "text": 2}, {"text": 2, "year": 3}])
def test_inputs_for_batches_of_different_sizes_are_refused(
    tmp_path: Path, device: str, sizes: dict[str, int]
) -> None:
    file = with_batches(write_deaf_model(tmp_path / "m.onnx", INPUTS), sizes)

    assert refusal(file, device) == f"The inputs and outputs of {file} do not match its card."


def refusal(file: Path, device: str = "cpu") -> str:
    """Return the message with which a model file is refused, whoever opens it."""
    with pytest.raises(ModelError) as refused:
        TaggerModel(file, device)
    with pytest.raises(ModelError) as unread:
        read_card(file)
    assert str(unread.value) == str(refused.value)
    return str(refused.value)


# From paths to results

TextOf = Callable[[str], ImageText | None]


def results(
    model: Path, paths: list[str], text_of: TextOf | None, device: str = "cpu", **options: object
) -> list[Result]:
    opened = TaggerModel(model, device, batch_size=3)
    rules = Rules.of_card(opened.card)
    return list(tag_images(paths, opened, rules, workers=2, text_of=text_of, **options))


@pytest.fixture
def posters(folder: Path) -> list[str]:
    """Return eleven images, all black, of which some cannot be read."""
    for place in range(11):
        save_picture(folder / f"{place:02}.png", "black")
    for place in (0, 4, 5, 10):
        (folder / f"{place:02}.png").write_bytes(b"no image")
    return [f"{place:02}.png" for place in range(11)]


def dated(path: str) -> ImageText | None:
    """Say of every image but one that it is of the year of its number."""
    place = int(path.removesuffix(".png"))
    return None if place == 3 else ImageText("blue" if place % 2 else "", 1000 + place, "names")


@pytest.mark.parametrize("decode", [Decode.THREADS, Decode.PROCESSES])
def test_each_result_has_the_text_of_its_image(
    posters: list[str], tiny_text_model: Path, device: str, decode: Decode
) -> None:
    found = results(tiny_text_model, posters, dated, device, decode=decode)

    assert [result.path for result in found] == posters
    tagged = {int(one.path[:2]): one for one in found if isinstance(one, Tagged)}
    assert list(tagged) == [1, 2, 3, 6, 7, 8, 9]
    for place, result in tagged.items():
        assert result.text == dated(result.path)
        year = 0 if place == 3 else round((1000 + place) / 10_000, 4)
        assert result.scores.tolist() == [0, 0, float(place % 2 and place != 3), year]


def test_results_without_a_text_are_those_of_a_model_that_takes_none(
    posters: list[str], tiny_model: Path, tiny_text_model: Path, device: str
) -> None:
    told = []

    def nothing(path: str) -> None:
        told.append(path)

    asked = results(tiny_text_model, posters, nothing, device)
    alone = results(tiny_model, posters, None, device)

    assert [str(one) for one in asked] == [str(one) for one in alone]
    assert sorted(told) == [one.path for one in asked if isinstance(one, Tagged)]


def test_a_model_that_takes_no_text_asks_for_none(posters: list[str], tiny_model: Path) -> None:
    def fail(path: str) -> ImageText:
        raise AssertionError(path)

    found = results(tiny_model, posters, fail)

    assert [one.text for one in found if isinstance(one, Tagged)] == [None] * 7


def test_a_text_that_never_comes_fails_its_image_alone(
    folder: Path, tiny_text_model: Path, device: str
) -> None:
    paths = [str(save_picture(folder / f"{place}.png", "black")) for place in range(7)]
    comes = threading.Event()

    def text_of(path: str) -> ImageText:
        if path == paths[2]:
            comes.wait(PATIENCE)
        return ImageText("green")

    found = results(tiny_text_model, paths, text_of, device, limits=ImageLimits(seconds=2.5))
    comes.set()

    assert found[2] == Failed(paths[2], "reading it takes longer than 2.5 s")
    rest = [one for one in found if isinstance(one, Tagged)]
    assert [one.path for one in rest] == [*paths[:2], *paths[3:]]
    assert [one.scores.tolist() for one in rest] == [[0, 1, 0, 0]] * 6
