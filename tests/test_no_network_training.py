"""TensorFlow, Keras and tf2onnx open no socket either."""

from __future__ import annotations

import pytest
from readers import reader
from shapes import Made
from system_calls import read_calls

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

pytest_plugins = ("training_fixtures",)
pytestmark = pytest.mark.train


def test_a_training_opens_no_socket(shape_run: Made) -> None:
    reader("strace")
    assert read_calls(shape_run.path.parent / "train.strace") == ()


def test_an_export_opens_no_socket(shape_model: Made) -> None:
    reader("strace")
    assert read_calls(shape_model.path.parent / "export.strace") == ()
