"""Squared norms and sums of single samples' gradients, both forms, against autograd."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from inscape.gradients import _norms
from inscape.gradients._norms import Total, form, gives_sum, instrumented, squared_norms
from inscape.gradients._tape import Tape


def called(function, x, weight):
    """The event of a call, its input, its output and the gradient of a random functional there."""
    weight.requires_grad_()
    with Tape({id(weight): "layer.weight"}, lambda event, h, output: None) as tape:
        output = function(x)
    (event,) = [event for event in tape.events if event.parameter]
    source = torch.Generator().manual_seed(1)
    return event, output, torch.randn(output.shape, generator=source, dtype=output.dtype)


def truth(output, gradient, weight):
    """Gradients of single samples by as many backward passes."""
    rows = []
    for i in range(len(output)):
        (found,) = torch.autograd.grad(output[i], weight, gradient[i], retain_graph=True)
        rows.append(found)
    return torch.stack(rows)


def compare(event, x, output, gradient, weight):
    x, gradient = x.detach(), gradient.detach()
    single = truth(output, gradient, weight)
    squares = single.flatten(1).square().sum(1)
    close = {"rtol": 1e-10, "atol": 1e-12 * float(squares.max())}
    torch.testing.assert_close(squared_norms(event, x, gradient), squares, **close)
    if gives_sum(event, x, gradient):
        to = torch.ones_like(weight, requires_grad=False)
        torch.testing.assert_close(squared_norms(event, x, gradient, total=Total(to=to, times=2.0)), squares, **close)
        torch.testing.assert_close(to, 1 + 2 * single.sum(0), rtol=1e-10, atol=1e-10)
    return squares, close


@settings(max_examples=40)
@given(
    sizes=st.tuples(*[st.integers(1, 6)] * 3),
    positions=st.lists(st.integers(1, 4), max_size=2),
    right=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_linear_layers_in_all_forms(sizes, positions, right, seed):
    samples, inputs, outputs = sizes
    source = torch.Generator().manual_seed(seed)
    shape = (inputs, outputs) if right else (outputs, inputs)
    weight = torch.randn(shape, generator=source, dtype=torch.float64)
    x = torch.randn(samples, *positions, inputs, generator=source, dtype=torch.float64)
    event, output, gradient = called(lambda h: h @ weight if right else F.linear(h, weight), x, weight)
    squares, close = compare(event, x, output, gradient, weight)
    h, d = x.reshape(samples, -1, inputs), gradient.reshape(samples, -1, outputs)
    torch.testing.assert_close(_norms._ghost(h, d), squares, **close)
    torch.testing.assert_close(_norms._direct(_norms._linear_gradients, event, h, d, None), squares, **close)


@st.composite
def convolutions(draw, dimensions):
    """Channels, sizes and options of a convolution that fits its input."""
    groups = draw(st.integers(1, 2))
    channels, outputs = (groups * draw(st.integers(1, 3)) for _ in range(2))
    kernel = [draw(st.integers(1, 3)) for _ in range(dimensions)]
    dilation = [draw(st.integers(1, 2)) for _ in range(dimensions)]
    size = [d * (k - 1) + draw(st.integers(1, 5)) for k, d in zip(kernel, dilation, strict=True)]
    padding = draw(st.sampled_from(["same", "valid", "numbers"]))
    stride = [1 if padding == "same" else draw(st.integers(1, 3)) for _ in range(dimensions)]
    given = [draw(st.integers(0, 2)) for _ in range(dimensions)] if padding == "numbers" else padding
    options = {"stride": stride, "padding": given, "dilation": dilation, "groups": groups}
    return draw(st.integers(1, 4)), channels, outputs, kernel, size, options


def convolve(case, seed):
    samples, channels, outputs, kernel, size, options = case
    source = torch.Generator().manual_seed(seed)
    weight = torch.randn(outputs, channels // options["groups"], *kernel, generator=source, dtype=torch.float64)
    x = torch.randn(samples, channels, *size, generator=source, dtype=torch.float64)
    function = F.conv1d if len(kernel) == 1 else F.conv2d
    event, output, gradient = called(lambda h: function(h, weight, None, **options), x, weight)
    squares, close = compare(event, x, output, gradient, weight)
    ghost = _norms._ghost_kernel(event, x, gradient)
    direct = _norms._direct(_norms._kernel_gradients, event, x, gradient, None)
    torch.testing.assert_close(ghost, squares, **close)
    torch.testing.assert_close(direct, squares, **close)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@settings(max_examples=30)
@given(case=convolutions(1), seed=st.integers(0, 10**6))
def test_ghost_is_direct_for_convolutions_of_signals(case, seed):
    convolve(case, seed)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@settings(max_examples=30)
@given(case=convolutions(2), seed=st.integers(0, 10**6))
def test_ghost_is_direct_for_convolutions_of_images(case, seed):
    convolve(case, seed)


def test_tiny_gradients_do_not_vanish():
    layer = nn.Linear(2, 1, bias=False)
    event, x, gradient = called(layer, torch.ones(1, 2), layer.weight)[0], torch.ones(1, 2), torch.full((1, 1), 1e-30)
    assert float(squared_norms(event, x, gradient)) == pytest.approx(2e-60)


def test_chunks_of_samples_change_nothing(monkeypatch):
    layer = nn.Conv2d(2, 3, 2, dtype=torch.float64)
    x = torch.randn(7, 2, 5, 5, dtype=torch.float64)
    event, _, gradient = called(layer, x, layer.weight)
    whole = squared_norms(event, x, gradient), _norms._ghost_kernel(event, x, gradient)
    monkeypatch.setattr(_norms, "_NUMBERS", 40)
    parts = squared_norms(event, x, gradient), _norms._ghost_kernel(event, x, gradient)
    torch.testing.assert_close(parts, whole, rtol=1e-12, atol=1e-12)


def test_the_form_with_fewer_operations_is_taken():
    wide, narrow = nn.Linear(40, 40), nn.Linear(3, 3)
    x = torch.randn(2, 5, 40)
    event, output, _ = called(wide, x, wide.weight)
    assert form(event, x, output) == "ghost"
    event, output, _ = called(wide, x[:, 0], wide.weight)
    assert form(event, x[:, 0], output) == "single"
    x = torch.randn(2, 5, 3)
    event, output, _ = called(narrow, x, narrow.weight)
    assert form(event, x, output) == "direct"
    early, late = nn.Conv2d(3, 8, 3), nn.Conv2d(32, 32, 3)
    x = torch.randn(2, 3, 32, 32)
    event, output, _ = called(early, x, early.weight)
    assert form(event, x, output) == "direct"
    x = torch.randn(2, 32, 4, 4)
    event, output, _ = called(late, x, late.weight)
    assert form(event, x, output) == "ghost"
    norm = nn.LayerNorm(4)
    event, output, _ = called(norm, x, norm.weight)
    assert form(event, x, output) == "other"


NORMS = {
    "layer norm": (nn.LayerNorm((5, 4)), (3, 6, 5, 4)),
    "layer norm, last axis": (nn.LayerNorm(4), (3, 4)),
    "rms norm": (nn.RMSNorm(4, eps=0.1), (3, 6, 4)),
    "group norm": (nn.GroupNorm(2, 4), (3, 4, 5)),
    "batch norm": (nn.BatchNorm2d(4), (3, 4, 5, 2)),
    "batch norm, no positions": (nn.BatchNorm1d(4), (3, 4)),
    "instance norm": (nn.InstanceNorm1d(4, affine=True), (3, 4, 5)),
    "instance norm, tracked": (nn.InstanceNorm1d(4, affine=True, track_running_stats=True), (3, 4, 5)),
}


@pytest.mark.parametrize("name", NORMS)
def test_scales_of_normalisations(name):
    module, shape = NORMS[name]
    module = module.double().eval()
    if getattr(module, "running_var", None) is not None:
        module.running_var.copy_(torch.tensor([0.5, 1.0, 2.0, 4.0]))
    module.weight.data.uniform_(0.5, 2.0)
    x = torch.randn(shape, dtype=torch.float64)
    event, output, gradient = called(module, x, module.weight)
    assert not gives_sum(event, x, output)
    compare(event, x, output, gradient, module.weight)


@pytest.mark.parametrize("padding", [None, 0, 8, -1])
def test_embeddings(padding):
    weight = torch.randn(9, 3, dtype=torch.float64)
    x = torch.tensor([[0, 1, 1, 8], [8, 8, 2, 0], [1, 1, 1, 1]])
    event, output, gradient = called(lambda i: F.embedding(i, weight, padding_idx=padding), x, weight)
    compare(event, x, output, gradient, weight)


@pytest.mark.parametrize(
    ("module", "shape", "known"),
    [
        (nn.Linear(4, 2), (3, 4), True),
        (nn.Conv1d(4, 2, 1), (3, 4, 5), True),
        (nn.Conv3d(4, 2, 1), (3, 4, 2, 2, 2), False),
        (nn.ConvTranspose2d(4, 2, 1), (3, 4, 2, 2), False),
        (nn.BatchNorm1d(4), (3, 4), True),
    ],
)
def test_what_is_instrumented(module, shape, known):
    assert instrumented(called(module, torch.randn(shape), module.weight)[0]) is known


def test_embeddings_scaled_by_frequency_and_calls_without_a_parameter_are_not():
    words = nn.Embedding(5, 2, scale_grad_by_freq=True)
    assert not instrumented(called(words, torch.tensor([[1]]), words.weight)[0])
    with Tape({}, lambda event, h, output: None) as tape:
        F.linear(torch.ones(1, 2), torch.ones(2, 2))
    assert not instrumented(tape.events[0])
