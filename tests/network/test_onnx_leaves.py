"""Which ONNX nodes become a layer of torch, with which options, and which stay nodes."""

import numpy as np
import pytest
import torch
from torch import nn

from inscape import network
from inscape.network._onnx_model import Operation

V, S, I = (6,), (4, 9), (4, 7, 8)  # noqa: E741
VARIANCE = np.float32([0.5, 1, 2, 3])
LAYERS = {
    # name: (nodes, shape of a sample, version, initialisers, the layer)
    "Gemm": ("y = Gemm <transB=1> (x, w, b)", V, 13, {"w": (5, 6), "b": (1, 5)}, nn.Linear(6, 5)),
    "MatMul": ("y = MatMul (x, w)", S, 13, {"w": (9, 5)}, nn.Linear(9, 5, bias=False)),
    "MatMul and Add": ("a = MatMul (x, w) y = Add (a, b)", S, 13, {"w": (9, 5), "b": (5,)}, nn.Linear(9, 5)),
    "Conv": (
        "y = Conv <pads=[1, 2, 1, 2], strides=[2, 1], dilations=[1, 2], group=2> (x, w, b)", I, 11,
        {"w": (6, 2, 3, 3), "b": (6,)},
        nn.Conv2d(4, 6, 3, stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2)),
    "Conv same": (
        'y = Conv <auto_pad="SAME_UPPER"> (x, w)', S, 11, {"w": (2, 4, 3)}, nn.Conv1d(4, 2, 3, padding=1, bias=False)),
    "ConvTranspose": (
        "y = ConvTranspose <strides=[2, 2], pads=[1, 0, 1, 0], output_padding=[1, 0], group=2> (x, w, b)", I, 11,
        {"w": (4, 3, 3, 2), "b": (6,)},
        nn.ConvTranspose2d(4, 6, (3, 2), stride=2, padding=(1, 0), output_padding=(1, 0), groups=2)),
    "BatchNormalization": (
        "y = BatchNormalization <epsilon=0.5, momentum=0.75> (x, s, b, m, v)", I, 15,
        {"s": (4,), "b": (4,), "m": (4,), "v": VARIANCE}, nn.BatchNorm2d(4, eps=0.5, momentum=0.25)),
    "BatchNormalization of sequences": (
        "y = BatchNormalization <epsilon=0.5, momentum=0.75> (x, s, b, m, v)", S, 15,
        {"s": (4,), "b": (4,), "m": (4,), "v": VARIANCE}, nn.BatchNorm1d(4, eps=0.5, momentum=0.25)),
    "MaxPool": (
        "y = MaxPool <kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 0], dilations=[1, 2], ceil_mode=1> (x)",
        I, 12, {}, nn.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), ceil_mode=True)),
    "AveragePool": (
        "y = AveragePool <kernel_shape=[3, 2], pads=[1, 1, 1, 1], count_include_pad=1> (x)", I, 11, {},
        nn.AvgPool2d((3, 2), stride=(1, 1), padding=(1, 1))),
    "AveragePool inside": (
        "y = AveragePool <kernel_shape=[2], strides=[2]> (x)", S, 11, {},
        nn.AvgPool1d(2, count_include_pad=False)),
    "GlobalAveragePool": ("y = GlobalAveragePool (x)", I, 13, {}, nn.AdaptiveAvgPool2d(1)),
    "Flatten": ("y = Flatten (x)", I, 13, {}, nn.Flatten()),
    "Reshape": ("y = Reshape (x, s)", I, 13, {"s": np.int64([-1, 224])}, nn.Flatten()),
    "PRelu": ("y = PRelu (x, s)", I, 16, {"s": (4, 1, 1)}, nn.PReLU(4)),
    "Clip": ("y = Clip (x, a, b)", V, 13, {"a": np.float32(-0.5), "b": np.float32(2)}, nn.Hardtanh(-0.5, 2.0)),
    "Clip of version 6": ("y = Clip <min=0.0, max=6.0> (x)", V, 10, {}, nn.Hardtanh(0.0, 6.0)),
    "Dropout": ("y = Dropout (x, r)", V, 13, {"r": np.float32(0.25)}, nn.Dropout(0.25)),
    "Dropout by default": ("y = Dropout (x)", V, 13, {}, nn.Dropout(0.5)),
    "Relu": ("y = Relu (x)", V, 13, {}, nn.ReLU()),
    "LeakyRelu": ("y = LeakyRelu <alpha=0.25> (x)", V, 13, {}, nn.LeakyReLU(0.25)),
    "Elu": ("y = Elu <alpha=0.5> (x)", V, 13, {}, nn.ELU(0.5)),
    "Gelu": ('y = Gelu <approximate="tanh"> (x)', V, 20, {}, nn.GELU(approximate="tanh")),
    "Softmax": ("y = Softmax <axis=1> (x)", I, 13, {}, nn.Softmax(dim=1)),
    "LogSoftmax of version 11": ("y = LogSoftmax (x)", V, 11, {}, nn.LogSoftmax(dim=1)),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_nodes_that_are_layers(name, onnx_file):
    body, shape, opset, held, expected = LAYERS[name]
    model = network.load(onnx_file(body, shape, opset=opset, **held))
    (layer,) = model.children()
    assert repr(layer) == repr(expected.eval())
    assert {key: t.shape for key, t in layer.state_dict().items()} == {
        key: t.shape for key, t in expected.state_dict().items()
    }
    expected.load_state_dict(layer.state_dict())
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model(x), expected(x), rtol=0, atol=0)
    assert all(p.requires_grad and p.is_leaf for p in layer.parameters())


NODES = {
    "Gemm with factors": ("y = Gemm <alpha=0.5> (x, w)", V, 13, {"w": (6, 5)}),
    "Gemm with one bias": ("y = Gemm (x, w, b)", V, 13, {"w": (6, 5), "b": (1,)}),
    "MatMul by a stack": ("y = MatMul (x, w)", I, 13, {"w": (4, 8, 3)}),
    "MatMul from the left": ("y = MatMul (w, x)", S, 13, {"w": (5, 4)}),
    "Conv padded unequally": ("y = Conv <pads=[0, 1, 2, 0]> (x, w)", I, 11, {"w": (6, 4, 3, 3)}),
    "ConvTranspose to a shape": ("y = ConvTranspose <output_shape=[9, 10]> (x, w)", I, 11, {"w": (4, 2, 3, 3)}),
    "MaxPool padded unequally": ("y = MaxPool <kernel_shape=[2, 2], pads=[0, 0, 1, 1]> (x)", I, 11, {}),
    "AveragePool padded unequally": ("y = AveragePool <kernel_shape=[2, 2], pads=[0, 0, 1, 1]> (x)", I, 11, {}),
    "Reshape to three": ("y = Reshape (x, s)", I, 13, {"s": np.int64([0, 4, 56])}),
    "PRelu by columns": ("y = PRelu (x, s)", I, 16, {"s": (8,)}),
    "Clip from below": ("y = Clip (x, a)", V, 13, {"a": np.float32(-0.5)}),
    "Softmax of version 11": ("y = Softmax <axis=1> (x)", I, 11, {}),
    "Dropout of all": ("y = Dropout <ratio=1.0> (x)", V, 10, {}),
}


@pytest.mark.parametrize("name", NODES)
def test_nodes_that_torch_has_no_layer_for(name, onnx_file):
    body, shape, opset, held = NODES[name]
    (child,) = network.load(onnx_file(body, shape, opset=opset, **held)).children()
    assert isinstance(child, Operation)


def test_no_random_number_is_drawn(onnx_file):
    path = onnx_file("y = Gemm (x, w)", V, w=(6, 5))
    before = torch.random.get_rng_state()
    network.load(path)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_reshape_that_only_looks_like_a_flattening_is_none(onnx_file):
    held = {"s": np.int64([-1, 3]), "t": np.int64([-1, 6])}
    model = network.load(onnx_file("a = Reshape (x, s) b = Relu (a) y = Reshape (b, t)", V, **held))
    assert isinstance(next(model.children()), Operation)
