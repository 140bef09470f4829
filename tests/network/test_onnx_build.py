"""Whole networks from ONNX files: the same geometry as the torch model, bit for bit; modules like any other."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from inscape import network, training
from inscape._errors import ModelError
from inscape.network._onnx_model import OnnxModel, Operation
from inscape.regions import Box, Plane, boundary, partition
from inscape.testing import unchanged

ints = np.int64


def numbers(model):
    """Name → array of every parameter and buffer."""
    return {name: t.detach().numpy() for name, t in model.state_dict().items() if t.is_floating_point()}


def mlp():
    model = nn.Sequential(nn.Linear(2, 9), nn.ReLU(), nn.Linear(9, 8), nn.LeakyReLU(0.25), nn.Linear(8, 3))
    held = numbers(model)
    body = """a = Gemm <transB=1> (x, w0, b0)  r = Relu (a)  p = MatMul (r, w1)  q = Add (p, b1)
              s = LeakyRelu <alpha=0.25> (q)  y = Gemm (s, w2, b2)"""
    held = {"w0": held["0.weight"], "b0": held["0.bias"], "w1": held["2.weight"].T, "b1": held["2.bias"],
            "w2": held["4.weight"].T, "b2": held["4.bias"]}  # fmt: skip
    return model, body, held, (2,), Box(low=(-1, -1), high=(1, 1))


def lenet():
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3, eps=0.125), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(3, 4, 2), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(4, 6), nn.Hardtanh(-0.5, 1.0),
        nn.Linear(6, 3), nn.Softmax(1),
    )  # fmt: skip
    with torch.no_grad():
        for tensor in (model[1].weight, model[1].bias, model[1].running_mean, model[1].running_var):
            tensor.uniform_(0.5, 1.5)
    held = numbers(model)
    body = """a = Conv <pads=[1, 1, 1, 1]> (x, w0, b0)  n = BatchNormalization <epsilon=0.125> (a, g, h, m, v)
              r = Relu (n)  p = MaxPool <kernel_shape=[2, 2], strides=[2, 2]> (r)  c = Conv (p, w4, b4)  d = Relu (c)
              e = AveragePool <kernel_shape=[2, 2], strides=[2, 2]> (d)  f = Reshape (e, s)
              i = Gemm <transB=1> (f, w8, b8)  k = Clip (i, lo, hi)  l = Gemm <transB=1> (k, w10, b10)
              y = Softmax <axis=1> (l)"""
    names = {"w0": "0.weight", "b0": "0.bias", "g": "1.weight", "h": "1.bias", "m": "1.running_mean",
             "v": "1.running_var", "w4": "4.weight", "b4": "4.bias", "w8": "8.weight", "b8": "8.bias",
             "w10": "10.weight", "b10": "10.bias"}  # fmt: skip
    held = {name: held[key] for name, key in names.items()}
    held |= {"s": ints([-1, 4]), "lo": np.float32(-0.5), "hi": np.float32(1)}
    corners = np.random.default_rng(2).normal(size=(3, 1, 6, 6))
    return model.eval(), body, held, (1, 6, 6), Plane.through(*corners)


class Residual(nn.Module):
    """Two branches that meet, and a maximum of halves."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(2, 6), nn.Linear(6, 6), nn.Linear(3, 2)

    def forward(self, x):
        x = torch.relu(self.first(x))
        x = torch.relu(self.second(x)) + x
        left, right = torch.split(x, 3, 1)
        return self.last(torch.maximum(left, right))


def residual():
    model = Residual()
    held = numbers(model)
    body = """a = Gemm <transB=1> (x, w0, b0)  b = Relu (a)  c = Gemm <transB=1> (b, w1, b1)  d = Relu (c)
              e = Add (d, b)  left, right = Split <axis=1> (e)  m = Max (left, right)
              y = Gemm <transB=1> (m, w2, b2)"""
    parts = [("0", "first"), ("1", "second"), ("2", "last")]
    held = {f"{k[0]}{i}": held[f"{part}.{k}"] for i, part in parts for k in ("weight", "bias")}
    return model, body, held, (2,), Box(low=(-2, -2), high=(2, 2))


@pytest.mark.parametrize("make", [mlp, lenet, residual])
@pytest.mark.parametrize("samples", ["N", 1])
def test_the_geometry_is_that_of_the_torch_model(make, samples, onnx_file, by_onnxruntime):
    torch.manual_seed(3)
    model, body, held, shape, domain = make()
    path = onnx_file(body, shape, opset=13, samples=samples, **held)
    found = network.load(path)
    x = np.random.default_rng(4).normal(size=(1, *shape)).astype(np.float32)
    np.testing.assert_allclose(by_onnxruntime(path, x), model(torch.from_numpy(x)).detach(), rtol=1e-5, atol=1e-6)
    with unchanged(found):
        cells = partition(found, domain)
    expected = partition(model, domain, example=np.zeros((1, *shape)))
    assert cells.cell_count == expected.cell_count > 20
    assert cells.head == expected.head
    for name in ("vertices", "affine_maps", "classes"):
        np.testing.assert_array_equal(getattr(cells, name), getattr(expected, name))
    np.testing.assert_array_equal(cells.patterns(), expected.patterns())
    lines, expected_lines = boundary(found, domain), boundary(model, domain, example=np.zeros((1, *shape)))
    np.testing.assert_array_equal(lines.segments, expected_lines.segments)


def test_a_chain_is_made_of_layers_of_torch_and_read_without_a_trace(onnx_file, monkeypatch):
    _, body, held, shape, _ = lenet()
    model = network.load(onnx_file(body, shape, opset=13, **held))
    monkeypatch.setattr("inscape.network._export.capture", None)
    words = [layer.operation for layer in network.read(model).nodes]
    assert words == [
        "Input", "Conv2d", "BatchNorm", "ReLU", "MaxPool2d", "Conv2d", "ReLU", "AvgPool2d", "reshape", "Linear",
        "Hardtanh", "Linear",
    ]  # fmt: skip
    assert [type(child) for child in model.children()] == [
        nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d, nn.Conv2d, nn.ReLU, nn.AvgPool2d, nn.Flatten, nn.Linear,
        nn.Hardtanh, nn.Linear, nn.Softmax,
    ]  # fmt: skip
    assert {name for name, _ in model.named_buffers()} == {
        f"BatchNormalization_1.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")
    }


def test_a_hook_on_a_chain_is_seen(onnx_file):
    _, body, held, shape, _ = mlp()
    model = network.load(onnx_file(body, shape, **held))
    plain = network.read(model).evaluate(np.ones((1, 2)))
    next(model.children()).register_forward_hook(lambda module, inputs, output: output * 2)
    assert not np.allclose(network.read(model).evaluate(np.ones((1, 2))), plain)


def test_names_of_nodes(tmp_path, onnx_file):
    import onnx

    path = onnx_file("a = Relu (x) b = Abs (a) c = Relu (b) d = Abs (c) y = Neg (d)", (3,))
    proto = onnx.load(path)
    given = ("/block.0/act/Relu", "forward", "plan", "3", "block 0:act Relu")
    for node, name in zip(proto.graph.node, given, strict=True):
        node.name = name
    onnx.save(proto, path)
    model = network.load(path)
    names = [name for name, _ in model.named_children()]
    assert names == ["block_0_act_Relu", "forward_node", "plan_node", "Abs_3", "block_0_act_Relu_2"]
    assert [row["module"] for row in network.read(model).describe()][1:] == names


def test_the_number_of_samples_is_free_also_where_the_file_fixes_it(onnx_file, by_onnxruntime):
    body = "a = Conv (x, w) b = Relu (a) c = Reshape <allowzero=1> (b, s) y = MatMul (c, v)"
    held = {"w": (2, 1, 3, 3), "v": (32, 3)}
    fixed = onnx_file(body, (1, 6, 6), samples=5, s=ints([5, 32]), **held)
    x = np.random.default_rng(0).normal(size=(5, 1, 6, 6)).astype(np.float32)
    expected = by_onnxruntime(fixed, x)
    for count in (1, 2, 5):
        found = network.load(fixed)(torch.from_numpy(x[:count])).detach()
        np.testing.assert_allclose(found, expected[:count], rtol=1e-5, atol=1e-5)


def test_a_constant_beside_one_sample_stands_beside_each(onnx_file, by_onnxruntime):
    path = onnx_file("a = Concat <axis=1> (c, x) y = Relu (a)", (3, 4), samples=1, c=(1, 1, 4))
    x = np.random.default_rng(0).normal(size=(3, 3, 4)).astype(np.float32)
    expected = np.concatenate([by_onnxruntime(path, x[i : i + 1]) for i in range(3)])
    np.testing.assert_array_equal(network.read(network.load(path)).evaluate(x), expected)


@pytest.mark.parametrize(
    ("body", "shape", "samples", "held"),
    [
        ("a = Transpose <perm=[1, 0]> (x) b = Reshape (a, s) y = Relu (b)", (4,), 2, {"s": ints([2, 4])}),
        ("a = ReduceMean <axes=[0]> (x) y = Sub (x, a)", (4,), 3, {}),
        ("a = Reshape (x, s) b = Softmax (a) y = Reshape (b, t)", (4,), 2, {"s": ints([8]), "t": ints([2, 4])}),
        ("a = Squeeze <axes=[0]> (x) b = Relu (a) y = Unsqueeze <axes=[0]> (b)", (4,), 1, {}),
    ],
)
def test_a_fixed_number_of_samples_that_are_mixed_is_refused(body, shape, samples, held, onnx_file):
    with pytest.raises(ModelError, match=rf"fixes the number of samples to {samples}: export the model"):
        network.load(onnx_file(body, shape, opset=11, samples=samples, **held))


def test_shared_initialisers_are_one_parameter(onnx_file):
    body = "w2 = Identity (w) a = MatMul (x, w) b = Relu (a) c = MatMul (b, w2) d = Relu (c) y = MatMul (d, v)"
    model = network.load(onnx_file(body, (4,), w=(4, 4), v=(4, 2)))
    assert sum(p.numel() for p in model.parameters()) == 16 + 8
    assert len(list(model.named_parameters(remove_duplicate=False))) == 3
    assert network.read(model).describe()[1]["parameters"] == 16


def test_sides_that_are_not_fixed_need_an_example(onnx_file):
    body = "a = Conv (x, w) b = Relu (a) c = GlobalAveragePool (b) y = Flatten (c)"
    path = onnx_file(body, (1, "h", "w"), w=(2, 1, 3, 3))
    model = network.load(path)
    with pytest.raises(ModelError, match="pass example="):
        network.read(model)
    assert network.read(model, np.zeros((1, 1, 5, 7))).output_shape == (2,)


@pytest.mark.parametrize("kind", ["double", "float16"])
def test_other_floating_types(kind, tmp_path):
    import onnx

    nodes = "{ a = MatMul (x, w) y = Relu (a) }"
    proto = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 13]> n ({kind}[N,3] x) => ({kind} y) {nodes}')
    weight = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float64 if kind == "double" else np.float16)
    proto.graph.initializer.append(onnx.numpy_helper.from_array(weight, "w"))
    onnx.save(proto, path := tmp_path / "model.onnx")
    found = network.read(network.load(path)).evaluate(np.ones((1, 3)))
    np.testing.assert_allclose(found, np.maximum(weight.astype(np.float64).sum(0), 0)[None], rtol=1e-14)


def test_bfloat16_initialisers_are_read_exactly(tmp_path):
    import onnx

    nodes = "{ c = Cast <to=1> (w) y = Mul (x, c) }"
    proto = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 13]> n (float[N,2] x) => (float y) {nodes}')
    proto.graph.initializer.append(onnx.helper.make_tensor("w", onnx.TensorProto.BFLOAT16, [2], [1.5, -3.0]))
    onnx.save(proto, path := tmp_path / "model.onnx")
    np.testing.assert_array_equal(network.read(network.load(path)).evaluate(np.ones((1, 2))), [[1.5, -3.0]])


def test_fingerprints_tell_models_apart_that_differ_in_options_or_wiring(onnx_file):
    texts = [
        "a = Clip (x, lo, hi) y = Abs (a)",
        "a = Clip (x, lo, top) y = Abs (a)",
        "a = Relu (x) b = Neg (x) y = Sub (a, b)",
        "a = Relu (x) b = Neg (x) y = Sub (b, a)",
        "y = Gather <axis=1> (x, i)",
        "y = Gather <axis=1> (x, j)",
    ]
    held = {"lo": np.float32(-1), "hi": np.float32(1), "top": np.float32(2), "i": ints([0, 1]), "j": ints([1, 0])}
    prints = [network.model_fingerprint(network.load(onnx_file(text, (3,), **held))) for text in texts]
    assert len(set(prints)) == len(prints)
    again = network.load(onnx_file(texts[-1], (3,), **held))
    assert network.model_fingerprint(again) == prints[-1]


def test_copies_pickles_and_exported_files_compute_the_same(onnx_file, tmp_path):
    _, body, held, shape, _ = residual()
    model = network.load(onnx_file(body, shape, **held))
    assert any(isinstance(child, Operation) for child in model.children())
    x = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    saved = network.load(network.save_pt2(model, x, tmp_path / "model.pt2"))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), saved):
        torch.testing.assert_close(other(x), model(x), rtol=0, atol=0)


def test_a_model_from_a_file_can_be_trained(onnx_file):
    body = """a = MatMul (x, w0)  b = Add (a, b0)  n = BatchNormalization (b, g, h, m, v)  c = Relu (n)
              d = Dropout (c, r)  y = Gemm (d, w1)"""
    held = {"w0": (2, 16), "b0": (16,), "g": np.ones(16, np.float32), "h": (16,), "m": (16,),
            "v": np.ones(16, np.float32), "r": np.float32(0.1), "w1": (16, 2)}  # fmt: skip
    model = network.load(onnx_file(body, (2,), **held))
    assert isinstance(model, OnnxModel)
    x = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > x[:, 1]).long()
    with unchanged(model):
        fitted = training.fit(model, (x, y), epochs=25, progress=False).model
    assert training.accuracy(fitted, (x, y)) > 0.9
    assert not torch.equal(next(fitted.parameters()), next(model.parameters()))


def test_weights_fit_the_names_of_the_nodes(onnx_file, tmp_path):
    _, body, held, shape, _ = mlp()
    path = onnx_file(body, shape, **held)
    model = network.load(path)
    torch.save({name: t * 0 for name, t in model.state_dict().items()}, tmp_path / "zeros.pt")
    assert not network.load(path, weights=tmp_path / "zeros.pt")(torch.ones(1, 2)).any()
    torch.save({"other": torch.ones(1)}, tmp_path / "other.pt")
    with pytest.raises(ModelError, match="do not fit the model"):
        network.load(path, weights=tmp_path / "other.pt")
