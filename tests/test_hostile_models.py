"""Model files from anywhere: what asks for more than running a network is refused in a sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from commands import Ran, run_tagger
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from pictures import save_picture
from tiny_model import CARD, SIDE, write_graph, write_model

from tagger.errors import ModelError
from tagger.network import model_file as onnx_file
from tagger.network.card import METADATA_KEY
from tagger.network.model import TaggerModel, read_card
from tagger.network.model_file import UnsafeModelError, check_model_file

SECRET = np.array([0.125, 0.25, 0.5, 1.0], dtype=np.float32)
DEVICES = ("cpu", "openvino")

OTHER_FILE = (
    "it keeps weights in another file, but a model must be a single file: save it with its weights "
    "inside"
)
LOOP = "it has a loop, which might never end"
FUNCTIONS = "it has functions of its own next to its graph"
DAMAGED = "it is damaged, or not an ONNX file"


def refusal(file: Path, device: str = "cpu") -> str:
    """Return why a model file is not opened."""
    with pytest.raises(ModelError) as refused:
        TaggerModel(file, device)
    start, end = f"{file} cannot be opened as a model: ", "."
    message = str(refused.value)
    assert message.startswith(start)
    assert message.endswith(end)
    return message[len(start) : -len(end)]


def inside() -> TensorProto:
    """Return the secret as a tensor that lies in the model file."""
    return numpy_helper.from_array(SECRET, "secret")


def elsewhere(location: str) -> TensorProto:
    """Return the secret as a tensor that lies in another file."""
    tensor = TensorProto(name="secret", data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def as_initializer(graph: onnx.GraphProto, tensor: TensorProto) -> None:
    graph.initializer.append(tensor)


def as_constant(graph: onnx.GraphProto, tensor: TensorProto) -> None:
    graph.node.insert(0, helper.make_node("Constant", [], ["secret"], value=tensor))


def in_a_branch(graph: onnx.GraphProto, tensor: TensorProto) -> None:
    tensor.name = "kept"
    chosen, other = (helper.make_tensor_value_info(name, 1, [4]) for name in ("then", "else"))
    branches = {
        "then_branch": helper.make_graph(
            [helper.make_node("Identity", ["kept"], ["then"])], "then", [], [chosen], [tensor]
        ),
        "else_branch": helper.make_graph(
            [helper.make_node("Constant", [], ["else"], value_floats=[0.0] * 4)], "e", [], [other]
        ),
    }
    graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    graph.node.insert(0, helper.make_node("If", ["yes"], ["secret"], **branches))


PLACES = (as_initializer, as_constant, in_a_branch)


def write_leak(
    file: Path, place: Callable[[onnx.GraphProto, TensorProto], None], tensor: TensorProto
) -> Path:
    """Write a model whose scores are the secret, whatever the image."""
    nodes = [
        helper.make_node("Cast", ["images"], ["samples"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["samples", "sides"], ["top"], keepdims=0),
        helper.make_node("Mul", ["top", "nothing"], ["zeros"]),
        helper.make_node("Add", ["zeros", "secret"], ["scores"]),
    ]
    constants = {"sides": np.array([1, 2, 3]), "nothing": np.zeros((1, 1), np.float32)}
    graph = helper.make_graph(
        nodes,
        "leak",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 4])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    place(graph, tensor)
    return save(file, graph)


def save(file: Path, graph: onnx.GraphProto, **fields: object) -> Path:
    model = helper.make_model(
        graph, **{"opset_imports": [helper.make_opsetid("", 18)], "ir_version": 10, **fields}
    )
    helper.set_model_props(model, {METADATA_KEY: CARD.to_json()})
    file.write_bytes(model.SerializeToString())
    return file


# Other files


@pytest.mark.parametrize("place", PLACES)
def test_weights_inside_are_read(tmp_path: Path, place: Callable[..., None]) -> None:
    # Else the tests below would show nothing.
    file = write_leak(tmp_path / "m.onnx", place, inside())

    model = TaggerModel(file, "cpu", batch_size=1)
    scores = model.scores(np.zeros((1, SIDE, SIDE, 3), dtype=np.uint8))

    assert scores.tolist() == [SECRET.tolist()]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "location", ["beside.bin", "../secret.bin", "{outside}", "link.bin", "folder/secret.bin"]
)
def test_weights_in_another_file_are_refused(
    tmp_path: Path, place: Callable[..., None], location: str, device: str
) -> None:
    outside, own = tmp_path / "secret.bin", tmp_path / "model"
    own.mkdir()
    for file in (outside, own / "beside.bin"):
        file.write_bytes(SECRET.tobytes())
    (own / "link.bin").symlink_to(outside)
    (own / "folder").symlink_to(tmp_path)
    tensor = elsewhere(location.format(outside=outside))

    assert refusal(write_leak(own / "m.onnx", place, tensor), device) == OTHER_FILE


def test_no_table_tells_what_another_file_holds(tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(SECRET.tobytes())
    save_picture(tmp_path / "model" / "a.png")
    file = write_leak(tmp_path / "model" / "m.onnx", as_initializer, elsewhere("../secret.bin"))

    ran = run_tagger("tag", ".", "--model", file.name, "--device", "cpu", cwd=file.parent)

    assert ran == Ran(3, b"", f"tagger: m.onnx cannot be opened as a model: {OTHER_FILE}.\n")


def test_a_sparse_tensor_may_not_lie_elsewhere(tmp_path: Path) -> None:
    def place(graph: onnx.GraphProto, tensor: TensorProto) -> None:
        as_initializer(graph, inside())
        places = numpy_helper.from_array(np.array([0, 1, 2, 3]), "places")
        tensor.name = "sparse"
        graph.sparse_initializer.append(helper.make_sparse_tensor(tensor, places, [4]))

    assert refusal(write_leak(tmp_path / "m.onnx", place, elsewhere("x.bin"))) == OTHER_FILE


@pytest.mark.parametrize(
    ("message", "holder"),
    [
        (onnx_file._Message.MODEL, onnx.ModelProto),
        (onnx_file._Message.TRAINING, onnx.TrainingInfoProto),
        (onnx_file._Message.GRAPH, onnx.GraphProto),
        (onnx_file._Message.NODE, onnx.NodeProto),
        (onnx_file._Message.ATTRIBUTE, onnx.AttributeProto),
        (onnx_file._Message.SPARSE_TENSOR, onnx.SparseTensorProto),
        (onnx_file._Message.TENSOR, onnx.TensorProto),
    ],
)
def test_all_that_can_hold_a_tensor_is_looked_into(
    message: onnx_file._Message, holder: type[onnx.ModelProto]
) -> None:
    names = {
        onnx_file._Message.TRAINING: "TrainingInfoProto",
        onnx_file._Message.GRAPH: "GraphProto",
        onnx_file._Message.NODE: "NodeProto",
        onnx_file._Message.ATTRIBUTE: "AttributeProto",
        onnx_file._Message.SPARSE_TENSOR: "SparseTensorProto",
        onnx_file._Message.TENSOR: "TensorProto",
    }
    known = {
        field.number: field.message_type.name
        for field in holder.DESCRIPTOR.fields
        if field.message_type is not None and field.message_type.name in names.values()
    }

    assert {n: names[kind] for n, kind in onnx_file._INSIDE[message].items()} == known


@given(st.data())
def test_whatever_protobuf_finds_elsewhere_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    # The file is damaged at random; where protobuf still reads it, its word is compared.
    file = tmp_path_factory.getbasetemp() / "damaged.onnx"
    whole = bytearray(write_leak(file, as_initializer, elsewhere("x.bin")).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    file.write_bytes(whole)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(bytes(whole))
    except Exception:
        return
    reaches = any(
        tensor.data_location == TensorProto.EXTERNAL for tensor in model.graph.initializer
    )
    if reaches:
        with pytest.raises(UnsafeModelError):
            check_model_file(file)


# Operators and functions


@pytest.mark.parametrize("domain", ["com.microsoft", "ai.onnx.contrib", "\x1b[2J"])
def test_operators_of_others_are_refused(tmp_path: Path, domain: str) -> None:
    # com.microsoft.EPContext names a file with a compiled network; others may run what they like.
    def place(graph: onnx.GraphProto, tensor: TensorProto) -> None:
        graph.initializer.append(tensor)
        graph.node.append(
            helper.make_node("EPContext", [], ["x"], domain=domain, ep_cache_context="/tmp/x")
        )

    assert refusal(write_leak(tmp_path / "m.onnx", place, inside())) == (
        f"it has operators of {domain!r}, which are not ONNX's own"
    )


def test_a_loop_is_refused(tmp_path: Path) -> None:
    def place(graph: onnx.GraphProto, tensor: TensorProto) -> None:
        graph.initializer.extend(
            [tensor, numpy_helper.from_array(np.array(2**62), "times"),
             numpy_helper.from_array(np.array(True), "go")]
        )  # fmt: skip
        body = helper.make_graph(
            [helper.make_node("Identity", ["on"], ["still"])],
            "body",
            [helper.make_tensor_value_info("turn", TensorProto.INT64, []),
             helper.make_tensor_value_info("on", TensorProto.BOOL, [])],
            [helper.make_tensor_value_info("still", TensorProto.BOOL, [])],
        )  # fmt: skip
        graph.node.append(helper.make_node("Loop", ["times", "go"], [], body=body))

    assert refusal(write_leak(tmp_path / "m.onnx", place, inside())) == LOOP


def test_functions_are_refused(tmp_path: Path) -> None:
    # Each of forty that calls the one before it twice would be a trillion operators.
    file = write_model(tmp_path / "m.onnx")
    model = onnx.load(file)
    model.functions.append(
        helper.make_function(
            "", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])],
            [helper.make_opsetid("", 18)],
        )
    )  # fmt: skip
    file.write_bytes(model.SerializeToString())

    assert refusal(file) == FUNCTIONS


# Sizes


def test_a_file_of_several_gigabytes_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    with file.open("wb") as stream:
        stream.truncate(5 * 2**30)

    assert refusal(file) == "it is larger than 2 GB, the maximum of ONNX files"


def test_a_file_of_zeros_is_refused_at_once(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    with file.open("wb") as stream:
        stream.truncate(2**31 - 1)

    assert refusal(file) == (
        "it is full of zeros at its start, as a file that was never written completely"
    )


def test_a_file_of_nothing_but_small_parts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "_MOST_FIELDS", 1000)
    (tmp_path / "m.onnx").write_bytes(b"\x08\x01" * 1001)

    assert refusal(tmp_path / "m.onnx") == "it has more parts than any network"


@pytest.mark.parametrize(
    "content",
    [
        b"\x3a\xff\xff\xff\xff\x07",  # a graph that ends behind the file
        b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",  # a length that does not end
        b"\x3b\x3c",  # a group, which protobuf no longer writes
        b"\xba\x80\x80\x80\x10\x00",  # a field number beyond 32 bits, which some read as 7
        b"\x09\x00",  # eight bytes, of which one is there
    ],
)
def test_a_file_that_can_be_read_in_two_ways_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(content)

    assert refusal(tmp_path / "m.onnx") == DAMAGED


def test_a_tensor_that_claims_100_gb_is_refused(tmp_path: Path) -> None:
    def place(graph: onnx.GraphProto, tensor: TensorProto) -> None:
        liar = TensorProto(name="liar", data_type=TensorProto.FLOAT, dims=[25 * 10**9])
        liar.raw_data = bytes(16)
        graph.initializer.extend([tensor, liar])
        graph.node.insert(0, helper.make_node("ReduceMax", ["liar"], ["top_of_it"], keepdims=0))
        graph.node[-1].input[0] = "top_of_it"

    why = refusal(write_leak(tmp_path / "m.onnx", place, inside()))

    assert "100000000000 bytes" in why
    assert "\n" not in why


def test_a_graph_that_needs_more_memory_than_there_is_fails_in_a_sentence(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["images"], ["samples"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["samples", "sides"], ["grey"], keepdims=0),
        helper.make_node("Expand", ["grey", "shape"], ["huge"]),
        helper.make_node("ReduceMax", ["huge", "last"], ["top"], keepdims=1),
        helper.make_node("Concat", ["top", "top", "top", "top"], ["scores"], axis=1),
    ]
    constants = {
        "sides": np.array([1, 2, 3]),
        "shape": np.array([1, 2**44]),
        "last": np.array([1]),
    }
    file = write_graph(tmp_path / "m.onnx", nodes, constants, CARD)

    with pytest.raises(ModelError) as ended:
        TaggerModel(file, "cpu", batch_size=1).scores(np.zeros((1, SIDE, SIDE, 3), np.uint8))

    message = str(ended.value)
    assert message.startswith(f"{file} failed while running: ")
    assert "\n" not in message


# Names of files


@pytest.mark.parametrize("name", ["m.ort", "m.xml", "m.pb", "m"])
@pytest.mark.parametrize("device", DEVICES)
def test_a_name_makes_no_other_format_of_a_file(tmp_path: Path, name: str, device: str) -> None:
    assert TaggerModel(write_model(tmp_path / name), device).card == CARD


def test_a_pipe_or_a_device_is_no_model_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.onnx")
    for file in (tmp_path / "m.onnx", Path("/dev/zero")):
        with pytest.raises(ModelError) as refused:
            read_card(file)
        assert str(refused.value) == f"The model file {file} does not exist."
