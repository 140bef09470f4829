r"""Norms of the gradients of single samples with respect to a layer's weight, from one backward pass.

For a sample with inputs :math:`h_p` and arriving gradients :math:`d_p` at the positions :math:`p` of a layer,

.. math::

    \lVert \nabla_W L_i \rVert_F^2 = \Big\lVert \sum_p d_p h_p^\top \Big\rVert_F^2
        = \sum_{p, q} (d_p \cdot d_q)(h_p \cdot h_q)

The left form is direct, the right one never makes the matrix (Bu et al. 2022 call it ghost); the one with fewer
operations is taken. With a single position both are :math:`\lVert d \rVert \lVert h \rVert` (Goodfellow 2015).
The direct form makes every sample's gradient, so that their sum, the gradient of the batch, costs next to nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv1d_weight, conv2d_weight

from inscape.gradients._tape import Event

_NUMBERS = 2**22
"""Most numbers in the matrices of one chunk of samples, unless one sample has more."""

_FEW = 4
"""Channels up to which patches are copied, if they are taken in steps: torch's convolution is slower there."""

Form = Literal["single", "direct", "ghost", "other"]


def instrumented(event: Event) -> bool:
    """Whether gradients of single samples are known for this call's weight.

    Args:
        event: the call.

    Returns:
        True for linear layers, convolutions in one and two dimensions, embeddings (unless they divide gradients by the
        frequency of a word), and the scales of normalisations.
    """
    if not event.parameter:
        return False
    if event.kind == "convolution":
        return event.operation in {"conv1d", "conv2d"}
    if event.kind == "embedding":
        return not event.arguments.get("scale_grad_by_freq")
    return event.kind in {"linear", "normalisation"}


def form(event: Event, x: Tensor, output: Tensor) -> Form:
    """How the norms of a call are computed, known from shapes alone.

    Args:
        event: the call of a layer.
        x: (n, ...) its input, samples first.
        output: (n, ...) its output, or the gradient there, samples first.

    Returns:
        ``"single"`` for one position, ``"direct"``, ``"ghost"``, or ``"other"`` for layers without a matrix.
    """
    if event.kind == "linear":
        positions, outputs, inputs = output[0].numel() // output.shape[-1], output.shape[-1], x.shape[-1]
    elif event.kind == "convolution":
        weight = event.weight
        assert weight is not None  # noqa: S101 (a convolution has one)
        groups = int(event.arguments.get("groups", 1))
        positions, outputs, inputs = output[0, 0].numel(), output.shape[1] // groups, weight[0].numel()
    else:
        return "other"
    if positions == 1 and event.kind == "linear":
        return "single"
    return "direct" if outputs * inputs <= positions * (outputs + inputs) else "ghost"


def gives_sum(event: Event, x: Tensor, output: Tensor) -> bool:
    """Whether the gradient of the batch comes along with the norms, so that autograd need not make it.

    Args:
        event: the call of a layer.
        x: (n, ...) its input, samples first.
        output: (n, ...) its output, samples first.

    Returns:
        True for linear layers, and for convolutions in the direct form.
    """
    return event.kind == "linear" or form(event, x, output) == "direct"


@dataclass(frozen=True, kw_only=True)
class Total:
    """Where a batch's gradient is added.

    Attributes:
        to: a tensor of the weight's shape, changed in place.
        times: how many times the gradient is added.
    """

    to: Tensor
    times: float = 1.0


def squared_norms(event: Event, x: Tensor, gradient: Tensor, *, total: Total | None = None) -> Tensor:
    """Squared norms of the gradients of single samples.

    Args:
        event: the call of a layer.
        x: (n, ...) its input, samples first.
        gradient: (n, ...) the gradient at its output, samples first.
        total: where the sum of the gradients is added; only for layers of which :func:`gives_sum` is true.

    Returns:
        (n,) squared Frobenius norms, in double precision, so that tiny ones do not vanish when they are squared.
    """
    chosen = form(event, x, gradient)
    if chosen == "other":
        return _embedding(event, x, gradient) if event.kind == "embedding" else _scale(event, x, gradient)
    if event.kind == "linear":
        return _linear(event, x, gradient, chosen, total)
    if chosen == "direct":
        return _direct(_kernel_gradients, event, x, gradient, total)
    return _ghost_kernel(event, x, gradient)


def _linear(event: Event, x: Tensor, gradient: Tensor, chosen: Form, total: Total | None) -> Tensor:
    if chosen == "direct":
        return _direct(_linear_gradients, event, x.flatten(1, -2), gradient.flatten(1, -2), total)
    if total is not None:
        h, d = x.flatten(0, -2), gradient.flatten(0, -2)
        left, right = (h, d) if event.operation == "matmul" else (d, h)
        total.to.addmm_(left.T, right, alpha=total.times)
    if chosen == "ghost":
        return _ghost(x.flatten(1, -2), gradient.flatten(1, -2))
    return _squared(gradient) * torch.linalg.vector_norm(x.flatten(1), dim=1).double().square()


def _squared(rows: Tensor) -> Tensor:
    """(n,) squared norms of rows; squares of the rows' own type can vanish."""
    return torch.linalg.vector_norm(rows.flatten(1), dim=1, dtype=torch.float64).square()


def _direct(
    make: Callable[[Event, Tensor, Tensor], Tensor], event: Event, x: Tensor, gradient: Tensor, total: Total | None
) -> Tensor:
    """Make the gradients of some samples at a time, and keep their norms and their sum."""
    weight = event.weight
    assert weight is not None  # noqa: S101 (the layers that come here have one)
    size = max(1, _NUMBERS // weight.numel())
    parts: list[Tensor] = []
    for h, d in zip(x.split(size), gradient.split(size), strict=True):
        made = make(event, h, d)
        parts.append(torch.linalg.vector_norm(made, dim=1))
        if total is not None:  # a matrix that multiplies from the right is stored the other way round
            to = total.to.mT if event.operation == "matmul" else total.to
            to.add_(made.sum(0).view(to.shape), alpha=total.times)
    return torch.cat(parts).double().square()


def _linear_gradients(event: Event, x: Tensor, gradient: Tensor) -> Tensor:
    """(n, o·i) gradients from (n, p, i) inputs and (n, p, o) gradients at the output."""
    return torch.bmm(gradient.mT, x).flatten(1)


def _kernel_gradients(event: Event, x: Tensor, gradient: Tensor) -> Tensor:
    """(n, o·i) gradients of a kernel: those of a convolution in which every sample is a group."""
    weight, given = event.weight, event.arguments
    assert weight is not None  # noqa: S101 (a convolution has one)
    samples, size = len(x), weight.ndim - 2
    stride, dilation = _pair(given.get("stride", 1), size), _pair(given.get("dilation", 1), size)
    if x.shape[1] <= _FEW and min(stride) > 1 and given.get("groups", 1) == 1:
        made = torch.bmm(gradient.flatten(2), _patches(event, x)).view(samples, len(weight), *weight.shape[2:], -1)
        return made.movedim(-1, 2).reshape(samples, -1)
    x, padding = _padded(event, x)
    backward: Any = conv1d_weight if size == 1 else conv2d_weight
    rows = (samples * weight.shape[0], *weight.shape[1:])
    groups = samples * int(given.get("groups", 1))
    together = x.reshape(1, -1, *x.shape[2:]), gradient.reshape(1, -1, *gradient.shape[2:])
    return backward(together[0], rows, together[1], stride, padding, dilation, groups).reshape(samples, -1)


def _ghost(x: Tensor, gradient: Tensor) -> Tensor:
    """(n,) squared norms from (n, p, i) inputs and (n, p, o) gradients; no matrix of a sample is made."""
    size = max(1, _NUMBERS // (2 * x.shape[1] ** 2))
    parts = [
        (torch.bmm(d, d.mT) * torch.bmm(h, h.mT)).flatten(1).sum(1)
        for d, h in zip(gradient.split(size), x.split(size), strict=True)
    ]
    return torch.cat(parts).double().clamp_min(0)


def _pair(value: Any, dimensions: int) -> tuple[int, ...]:
    made = (value,) * dimensions if isinstance(value, int) else tuple(int(v) for v in value)
    return made * dimensions if len(made) == 1 else made


def _padded(event: Event, x: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """Input and padding in numbers; "same" can pad one side more, which is done to the input at once."""
    weight, padding = event.weight, event.arguments.get("padding", 0)
    assert weight is not None  # noqa: S101 (a convolution has one)
    kernel = tuple(weight.shape[2:])
    if not isinstance(padding, str):
        return x, _pair(padding, len(kernel))
    dilation = _pair(event.arguments.get("dilation", 1), len(kernel))
    totals = [d * (k - 1) if padding == "same" else 0 for d, k in zip(dilation, kernel, strict=True)]
    ends = [end for total in reversed(totals) for end in (total // 2, total - total // 2)]
    return F.pad(x, ends), (0,) * len(kernel)


def _patches(event: Event, x: Tensor) -> Tensor:
    """(n, p, k·c) what the kernel sees at each position; channels come last, so that whole rows are copied."""
    weight, given = event.weight, event.arguments
    assert weight is not None  # noqa: S101 (a convolution has one)
    kernel = tuple(weight.shape[2:])
    size = len(kernel)
    stride, dilation = _pair(given.get("stride", 1), size), _pair(given.get("dilation", 1), size)
    x, padding = _padded(event, x)
    if any(padding):
        x = F.pad(x, [end for pad in reversed(padding) for end in (pad, pad)])
    x = x.movedim(1, -1).contiguous()
    steps = x.stride()[1:-1]
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    places = [(n - r) // s + 1 for n, r, s in zip(x.shape[1:-1], reach, stride, strict=True)]
    strides = [step * s for step, s in zip(steps, stride, strict=True)]
    inside = [step * d for step, d in zip(steps, dilation, strict=True)]
    view = x.as_strided((len(x), *places, *kernel, x.shape[-1]), (x.stride(0), *strides, *inside, 1))
    return view.reshape(len(x), prod(places), -1)


def _ghost_kernel(event: Event, x: Tensor, gradient: Tensor) -> Tensor:
    samples, groups = len(x), int(event.arguments.get("groups", 1))
    d = gradient.reshape(samples * groups, gradient.shape[1] // groups, -1).mT
    x = x.reshape(samples * groups, x.shape[1] // groups, *x.shape[2:])
    size = max(1, _NUMBERS // (event.weight[0].numel() * d.shape[1]))  # type: ignore[index]
    parts = [
        _ghost(_patches(event, x_part), d_part) for x_part, d_part in zip(x.split(size), d.split(size), strict=True)
    ]
    return torch.cat(parts).reshape(samples, groups).sum(1)


def _embedding(event: Event, x: Tensor, gradient: Tensor) -> Tensor:
    tokens, d = x.reshape(len(x), -1), gradient.reshape(len(x), -1, gradient.shape[-1])
    padding = event.arguments.get("padding_idx")
    if padding is not None:
        d = d * (tokens != padding % len(event.weight)).unsqueeze(-1)  # type: ignore[arg-type]
    same = tokens.unsqueeze(2) == tokens.unsqueeze(1)
    return (torch.bmm(d, d.mT) * same).flatten(1).sum(1).double().clamp_min(0)


def _scale(event: Event, x: Tensor, gradient: Tensor) -> Tensor:
    """The scale multiplies the normalised input, which is the output of the same layer without scale and shift."""
    product = gradient * normalised(event, x)
    if event.operation in {"layer_norm", "rms_norm"}:
        trailing = len(event.arguments["normalized_shape"])
        return _squared(product.flatten(1, -trailing - 1).sum(1) if product.ndim - trailing > 1 else product)
    return _squared(product.flatten(2).sum(2) if product.ndim > 2 else product)


def normalised(event: Event, x: Tensor) -> Tensor:
    """What a normalisation multiplies by its scale.

    Args:
        event: the call of a normalisation.
        x: (n, ...) its input.

    Returns:
        A tensor of the same shape.
    """
    given = event.arguments
    if event.operation == "layer_norm":
        return F.layer_norm(x, given["normalized_shape"], eps=given.get("eps", 1e-5))
    if event.operation == "rms_norm":
        return F.rms_norm(x, given["normalized_shape"], eps=given.get("eps"))
    if event.operation == "group_norm":
        return F.group_norm(x, given["num_groups"], eps=given.get("eps", 1e-5))
    eps = given.get("eps", 1e-5)
    if event.operation == "instance_norm" and given.get("use_input_stats", True):
        return F.instance_norm(x, eps=eps)
    mean, variance = given["running_mean"], given["running_var"]
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return (x - mean.reshape(shape)) * (variance.reshape(shape) + eps).rsqrt()
