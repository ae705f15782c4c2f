"""PyTorch's older weight files: tensors are read, and nothing that is in a file is run."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tagger_training.torch_weights import read_torch_weights

from tagger.errors import DataError

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C


@dataclass(frozen=True)
class Named:
    """A class or function of another program, referred to by its name."""

    module: str
    name: str


@dataclass(frozen=True)
class Storage:
    """A run of numbers, as PyTorch refers to it: the numbers come later in the file."""

    key: str
    values: np.ndarray

    @property
    def kind(self) -> Named:
        return Named("torch", {"f": "FloatStorage", "i": "LongStorage"}[self.values.dtype.kind])


@dataclass(frozen=True)
class Tensor:
    """A view of a storage."""

    storage: Storage
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0


class TorchPickler(pickle._Pickler):
    """Writes what ``torch.save`` wrote before it took to zip files."""

    def persistent_id(self, obj: object) -> object:
        if isinstance(obj, Storage):
            return ("storage", obj.kind, obj.key, "cpu", len(obj.values), None)
        return None

    def save_named(self, obj: Named) -> None:
        self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())

    def save_tensor(self, obj: Tensor) -> None:
        self.save(Named("torch._utils", "_rebuild_tensor_v2"))
        self.save((obj.storage, obj.offset, obj.shape, obj.strides, False, OrderedDict()))
        self.write(pickle.REDUCE)

    dispatch = {  # noqa: RUF012 (the base class has it so)
        **pickle._Pickler.dispatch,
        Named: save_named,
        Tensor: save_tensor,
    }


def pickled(value: object) -> bytes:
    stream = io.BytesIO()
    TorchPickler(stream, protocol=2).dump(value)
    return stream.getvalue()


def weights_file(
    tensors: object, storages: Iterable[Storage] = (), *, magic: int = MAGIC_NUMBER
) -> bytes:
    stored = list(storages)
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    head = [magic, 1001, system, tensors, [storage.key for storage in stored]]
    data = (len(item.values).to_bytes(8, "little") + item.values.tobytes() for item in stored)
    return b"".join([*map(pickled, head), *data])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where a test writes its weights."""
    return tmp_path / "weights.pth"


def refusal(file: Path) -> str:
    """Return why a file is not read, without the sentence's beginning."""
    with pytest.raises(DataError) as refused:
        read_torch_weights(file)
    start, end = f"{file} cannot be read as a file of PyTorch weights: ", "."
    text = str(refused.value)
    assert text.startswith(start)
    assert text.endswith(end)
    return text[len(start) : -1]


# What is read

NUMBERS = Storage("7301", np.arange(24, dtype="<f4"))
COUNT = Storage("7302", np.array([12345678901], dtype="<i8"))


def test_names_shapes_types_and_values(file: Path):
    tensors = OrderedDict(
        [
            ("layer.weight", Tensor(NUMBERS, (2, 3, 4), (12, 4, 1))),
            ("layer.count", Tensor(COUNT, (), ())),
        ]
    )
    file.write_bytes(weights_file(tensors, [NUMBERS, COUNT]))
    weights = read_torch_weights(file)
    assert list(weights) == ["layer.weight", "layer.count"]
    assert [array.dtype for array in weights.values()] == [np.float32, np.int64]
    np.testing.assert_array_equal(weights["layer.weight"], np.arange(24).reshape(2, 3, 4))
    assert weights["layer.count"].shape == ()
    assert weights["layer.count"] == 12345678901


def test_the_storages_may_come_in_another_order(file: Path):
    tensors = {"a": Tensor(NUMBERS, (24,), (1,)), "b": Tensor(COUNT, (1,), (1,))}
    file.write_bytes(weights_file(tensors, [COUNT, NUMBERS]))
    weights = read_torch_weights(file)
    np.testing.assert_array_equal(weights["a"], np.arange(24))
    np.testing.assert_array_equal(weights["b"], [12345678901])


def test_a_tensor_that_is_not_stored_row_by_row(file: Path):
    transposed = Tensor(NUMBERS, (4, 6), (1, 4))
    channels_last = Tensor(NUMBERS, (2, 3, 2, 2), (12, 1, 6, 3))
    file.write_bytes(weights_file({"a": transposed, "b": channels_last}, [NUMBERS]))
    weights = read_torch_weights(file)
    np.testing.assert_array_equal(weights["a"], np.arange(24).reshape(6, 4).T)
    np.testing.assert_array_equal(
        weights["b"], np.arange(24).reshape(2, 2, 2, 3).transpose(0, 3, 1, 2)
    )


def test_two_tensors_share_a_storage(file: Path):
    tensors = {"head": Tensor(NUMBERS, (4,), (1,)), "tail": Tensor(NUMBERS, (3,), (2,), offset=19)}
    file.write_bytes(weights_file(tensors, [NUMBERS]))
    weights = read_torch_weights(file)
    np.testing.assert_array_equal(weights["head"], [0, 1, 2, 3])
    np.testing.assert_array_equal(weights["tail"], [19, 21, 23])
    weights["head"][:] = 9  # an array of one's own, not a view of the file's bytes
    np.testing.assert_array_equal(read_torch_weights(file)["head"], [0, 1, 2, 3])


# What is not


@pytest.mark.parametrize("place", ["first", "table"])
@pytest.mark.parametrize("module", ["os", "posix", "subprocess"])
def test_a_file_that_would_run_something_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch, module: str, place: str
):
    monkeypatch.chdir(file.parent)
    attack = f"c{module}\nsystem\n(S'touch code-was-run'\ntR.".encode()
    whole = weights_file({}, [])
    file.write_bytes(attack + whole if place == "first" else whole.replace(pickled({}), attack))
    assert attack in file.read_bytes()
    assert refusal(file) == f"it names {module}.system, which is not a tensor"
    assert [item.name for item in file.parent.iterdir()] == ["weights.pth"]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "eval"),
        ("torch", "load"),
        ("torch", "DoubleStorage"),
        ("torch._utils", "_rebuild_parameter"),
        ("collections", "OrderedDict.fromkeys"),
    ],
)
def test_nothing_but_tensors_may_be_named(file: Path, module: str, name: str):
    file.write_bytes(weights_file({"a": Named(module, name)}))
    assert refusal(file) == f"it names {module}.{name}, which is not a tensor"


def test_a_file_that_ends_early(file: Path):
    whole = weights_file({"a": Tensor(NUMBERS, (24,), (1,))}, [NUMBERS])
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        refusal(file)
    for missing in (1, 4, 90, 100):
        file.write_bytes(whole[:-missing])
        assert refusal(file) == "it ends in the middle of a storage"


def test_a_zip_file(file: Path):
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    assert refusal(file) == "it has the newer, zipped format"


@pytest.mark.parametrize("content", [weights_file({}, magic=7), pickled("weights")])
def test_another_pickle(file: Path, content: bytes):
    file.write_bytes(content)
    assert refusal(file) == "another format"


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"no weights", bytes(1000)])
def test_no_pickle_at_all(file: Path, content: bytes):
    file.write_bytes(content)
    assert refusal(file)


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor(NUMBERS, (25,), (1,)),
        Tensor(NUMBERS, (6, 4), (5, 1)),
        Tensor(NUMBERS, (2,), (1,), offset=23),
        Tensor(NUMBERS, (2,), (1,), offset=-1),
        Tensor(NUMBERS, (2,), (-1,), offset=1),
    ],
)
def test_a_tensor_that_reaches_outside_its_storage(file: Path, tensor: Tensor):
    file.write_bytes(weights_file({"a": tensor}, [NUMBERS]))
    assert refusal(file) == "a tensor reaches outside its storage"


def test_a_tensor_of_one_number_a_thousand_million_times(file: Path):
    file.write_bytes(weights_file({"a": Tensor(NUMBERS, (10**9,), (0,))}, [NUMBERS]))
    assert refusal(file) == "a tensor is larger than its storage"


def test_storages_that_do_not_fit_the_table(file: Path):
    tensors = {"a": Tensor(NUMBERS, (4,), (1,))}
    file.write_bytes(weights_file(tensors, [Storage("7301", np.zeros(5, "<f4"))]))
    assert refusal(file) == "the length of a storage differs from the table"
    file.write_bytes(weights_file(tensors, [NUMBERS, COUNT]))
    assert refusal(file) == "it contains a storage that no tensor uses"
    file.write_bytes(weights_file(tensors, []))
    assert refusal(file) == "a tensor has no storage"


def test_something_else_than_named_tensors(file: Path):
    file.write_bytes(weights_file([1, 2, 3]))
    assert refusal(file)
    file.write_bytes(weights_file({"a": 5}))
    assert refusal(file)


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(DataError) as refused:
        read_torch_weights(tmp_path / "none.pth")
    missing = tmp_path / "none.pth"
    assert str(refused.value) == f"{missing} cannot be read: No such file or directory."
