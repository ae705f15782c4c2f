"""Run folders from anywhere: no code in a ``.keras`` file is run, and no other file is read."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Ran
from shapes import Made, ShapeSet, train_arguments

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

import h5py
import keras
import numpy as np
from tagger_training.keras_file import load_network

from tagger.errors import DataError

pytest_plugins = ("training_fixtures",)
pytestmark = [
    pytest.mark.train,
    # Keras 3.15 with NumPy 2; nothing here can help it.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

Tagger = Callable[..., Ran]
Config = dict[str, Any]

SECRET = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], dtype=np.float32)


@pytest.fixture
def network(folder: Path) -> Path:
    """Save a network of one layer of four by two weights."""
    layers = [keras.Input((4,)), keras.layers.Dense(2, name="dense")]
    keras.Sequential(layers).save(folder / "whole.keras")
    return folder / "whole.keras"


def changed(
    whole: Path,
    *,
    config: Callable[[Config], None] | None = None,
    weights: Callable[[Any, str], None] | None = None,
) -> Path:
    """Write a network anew with another configuration, or with other weights of its layer."""
    file = whole.with_name("changed.keras")
    with zipfile.ZipFile(whole) as former, zipfile.ZipFile(file, "w") as new:
        for name in former.namelist():
            data = former.read(name)
            if name == "config.json" and config is not None:
                read = json.loads(data)
                config(read)
                data = json.dumps(read).encode()
            if name == "model.weights.h5" and weights is not None:
                store = whole.with_name("weights.h5")
                store.write_bytes(data)
                with h5py.File(store, "a") as groups:
                    weights(groups, "layers/dense/vars/0")
                data = store.read_bytes()
            new.writestr(name, data)
    return file


def refused(file: Path) -> str:
    """Return why a network was not loaded."""
    with pytest.raises(DataError) as error:
        load_network(file)
    start = f"{file} cannot be loaded: "
    assert str(error.value).startswith(start)
    assert str(error.value).isprintable()
    return str(error.value).removeprefix(start)


def another_layer(module: str, name: str, /, **config: object) -> Callable[[Config], None]:
    def change(read: Config) -> None:
        read["config"]["layers"].append(
            {"module": module, "class_name": name, "config": config, "registered_name": name}
        )

    return change


def test_a_network_that_is_data_is_loaded(network: Path) -> None:
    assert load_network(changed(network)).count_params() == 10


def test_a_module_beside_the_file_is_not_imported(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (network.parent / "planted.py").write_text("open('code-was-run', 'w').close()\nclass X: pass\n")
    monkeypatch.syspath_prepend(network.parent)

    refused(changed(network, config=another_layer("planted", "X", name="x")))

    assert not (network.parent / "code-was-run").exists()


@pytest.mark.parametrize(
    ("module", "name", "config"),
    [
        ("os", "system", {"command": "touch code-was-run"}),
        ("builtins", "function", {"name": "eval"}),
        ("subprocess", "Popen", {"args": ["touch", "code-was-run"]}),
        ("keras.utils", "get_file", {"fname": "x", "origin": "http://127.0.0.1:9/"}),
        ("keras.config", "enable_unsafe_deserialization", {}),
        ("keras.layers", "TFSMLayer", {"filepath": "saved", "call_endpoint": "serve"}),
        ("keras.layers", "TorchModuleWrapper", {"module": "x"}),
        ("keras.models", "load_model", {"filepath": "whole.keras", "safe_mode": False}),
    ],
)
def test_a_layer_that_is_none_is_refused(
    network: Path, module: str, name: str, config: Config
) -> None:
    refused(changed(network, config=another_layer(module, name, **config)))

    assert not (network.parent / "code-was-run").exists()
    assert not (network.parent / "x").exists()


def test_a_vocabulary_in_another_file_is_not_read(network: Path) -> None:
    words = network.parent / "words.txt"
    words.write_text("secret\n")
    layer = keras.saving.serialize_keras_object(keras.layers.StringLookup(vocabulary=["a"]))
    layer["config"]["vocabulary"] = str(words)

    why = refused(changed(network, config=lambda read: read["config"]["layers"].append(layer)))

    assert "secret" not in why


def in_another_file(groups: Any, name: str) -> None:
    SECRET.tofile("secret.bin")
    del groups[name]
    groups.create_dataset(name, (4, 2), "f4", external=[("secret.bin", 0, SECRET.nbytes)])


def behind_a_link(groups: Any, name: str) -> None:
    with h5py.File("secret.h5", "w") as other:
        other["kept"] = SECRET
    del groups[name]
    groups[name] = h5py.ExternalLink("secret.h5", "kept")


def larger_than_memory(groups: Any, name: str) -> None:
    del groups[name]
    groups.create_dataset(name, (2**20, 2**17), "f4", chunks=(1024, 1024))


@pytest.mark.parametrize("weights", [in_another_file, behind_a_link, larger_than_memory])
def test_weights_lie_in_the_file_and_are_as_many_as_the_network_has(
    network: Path, weights: Callable[[Any, str], None]
) -> None:
    refused(changed(network, weights=weights))


class _Planted:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("open('code-was-run', 'w').close()",)


@pytest.mark.parametrize(
    "content",
    [pickle.dumps(_Planted()), b"\x89HDF\r\n\x1a\n" + bytes(500), b"PK\x05\x06" + bytes(18), b""],
)
def test_files_of_other_kinds_are_refused(folder: Path, content: bytes) -> None:
    (folder / "a.keras").write_bytes(content)

    refused(folder / "a.keras")

    assert not (folder / "code-was-run").exists()


def test_a_training_does_not_go_on_with_code(
    tagger: Tagger, shapes: ShapeSet, shape_run: Made, network: Path
) -> None:
    run = shutil.copytree(shape_run.path, network.parent / "run")
    file = changed(network, config=another_layer("os", "system", command="touch code-was-run"))
    shutil.copy(file, run / "checkpoint.keras")

    ran = tagger(*train_arguments(shapes, run), "--resume")

    assert (ran.code, ran.stdout) == (3, b"")
    last = ran.stderr.splitlines()[-1]
    assert last.startswith(f"tagger: {run}/checkpoint.keras cannot be loaded: ")
    assert last.endswith(": delete it to start over.")
    assert not (network.parent / "code-was-run").exists()


def test_a_run_does_not_end_with_code(
    tagger: Tagger, shapes: ShapeSet, shape_run: Made, network: Path
) -> None:
    run = shutil.copytree(shape_run.path, network.parent / "run")
    shutil.copy(
        changed(network, config=another_layer("os", "system", command="touch code-was-run")),
        run / "best.keras",
    )

    ran = tagger(*train_arguments(shapes, run), "--resume")

    assert (ran.code, ran.stdout) == (3, b"")
    last = ran.stderr.splitlines()[-1]
    assert last.startswith(f"tagger: {run}/best.keras cannot be loaded: ")
    assert not (network.parent / "code-was-run").exists()
