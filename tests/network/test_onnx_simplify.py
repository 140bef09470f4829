"""Graphs of ONNX get simpler before they are built, and stay the same functions."""

import numpy as np
import pytest
from torch import nn

from inscape import network
from inscape._errors import InscapeError

V = (6,)


def kinds(model):
    return [type(child) for child in model.children()]


def test_a_bias_joins_its_product(onnx_file):
    held = {"w": (6, 5), "b": (5,)}
    model = network.load(onnx_file("a = MatMul (x, w) y = Add (b, a)", V, **held))
    assert kinds(model) == [nn.Linear]
    assert list(model.state_dict()) == ["MatMul_0.weight", "MatMul_0.bias"]


@pytest.mark.parametrize(
    ("body", "linear"),
    [
        ("a = MatMul (x, w) c = Add (a, b) d = Mul (a, b) y = Add (c, d)", 1),  # the product is read twice
        ("a = MatMul (x, w) y = Add (a, row)", 1),  # no vector
        ("a = MatMul (x, w) c = MatMul (x, w) y = Add (a, c)", 0),  # nothing constant; the weight is shared
    ],
)
def test_what_is_no_bias_stays_an_addition(body, linear, onnx_file, by_onnxruntime):
    path = onnx_file(body, V, w=(6, 5), b=(5,), row=(1, 5))
    model = network.load(path)
    layers = [child for child in model.children() if isinstance(child, nn.Linear)]
    assert [layer.bias for layer in layers] == [None] * linear
    x = np.random.default_rng(0).normal(size=(3, *V)).astype(np.float32)
    np.testing.assert_allclose(network.read(model).evaluate(x), by_onnxruntime(path, x), rtol=1e-5, atol=1e-5)


def test_constants_are_computed_once(onnx_file):
    body = "t = Transpose (w) s = Constant <value_float=2.0> () u = Mul (t, s) y = MatMul (x, u)"
    weight = np.arange(30, dtype=np.float32).reshape(5, 6)
    model = network.load(onnx_file(body, V, w=weight))
    assert kinds(model) == [nn.Linear]
    np.testing.assert_array_equal(next(model.parameters()).detach(), 2 * weight)


def test_outputs_that_nothing_reads_do_no_harm(onnx_file):
    model = network.load(onnx_file("y, mask = Dropout (x)", V))
    assert kinds(model) == [nn.Dropout]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('c = Constant <value_string="a"> () d = Identity (c) y = Add (x, d)', "one value of numbers|no valid"),
        ("a = Constant <value_ints=[65536, 65536]> () c = Expand (w, a) y = Add (x, c)", "at most|more than"),
        ("b = Add (two, three) y = Add (x, b)", "Add 'Add_0' cannot take"),
        ("a = Relu (x) y = Sqrt (w)", "does not depend on its input"),
    ],
)
def test_constants_that_cannot_be(body, text, onnx_file):
    with pytest.raises(InscapeError, match=text):
        network.load(onnx_file(body, V, w=(1,), two=(2,), three=(3,)))
