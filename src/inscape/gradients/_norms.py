r"""Norms of the gradients of single samples with respect to a layer's weight, from one backward pass.

For a sample with inputs :math:`h_p` and arriving gradients :math:`d_p` at the positions :math:`p` of a layer,

.. math::

    \lVert \nabla_W L_i \rVert_F^2 = \Big\lVert \sum_p d_p h_p^\top \Big\rVert_F^2
        = \sum_{p, q} (d_p \cdot d_q)(h_p \cdot h_q)

The left form is direct, the right one never makes the matrix; the one with fewer operations is taken. With a single
position both are :math:`\lVert d \rVert \lVert h \rVert`.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from inscape.gradients._tape import Event

_NUMBERS = 2**24
"""Most numbers in the matrices of one chunk of samples."""


def instrumented(event: Event) -> bool:
    """Whether gradients of single samples are known for this call's weight.

    Args:
        event: the call.

    Returns:
        True for linear layers, convolutions in one and two dimensions, embeddings, and the scales of normalisations.
    """
    if not event.parameter:
        return False
    if event.kind == "convolution":
        return event.operation in {"conv1d", "conv2d"}
    return event.kind in {"linear", "embedding", "normalisation"}


def squared_norms(event: Event, x: Tensor, gradient: Tensor) -> Tensor:
    """Squared norms of the gradients of single samples.

    Args:
        event: the call of a layer.
        x: (n, ...) its input, samples first.
        gradient: (n, ...) the gradient at its output, samples first.

    Returns:
        (n,) squared Frobenius norms, in the gradient's type.
    """
    if event.kind == "linear":
        return _matrix(gradient.flatten(1, -2), x.flatten(1, -2)) if x.ndim > 2 else _single(gradient, x)
    if event.kind == "convolution":
        return _convolution(event, x, gradient)
    if event.kind == "embedding":
        return _embedding(event, x, gradient)
    return _scale(event, x, gradient)


def _single(gradient: Tensor, x: Tensor) -> Tensor:
    return torch.linalg.vecdot(gradient, gradient) * torch.linalg.vecdot(x, x)


def _matrix(gradient: Tensor, x: Tensor) -> Tensor:
    """(n,) squared norms from (n, p, o) gradients and (n, p, i) inputs."""
    positions, outputs, inputs = gradient.shape[1], gradient.shape[2], x.shape[2]
    if positions == 1:
        return _single(gradient[:, 0], x[:, 0])
    direct = outputs * inputs <= positions * (outputs + inputs)
    each = outputs * inputs if direct else 2 * positions**2
    size = max(1, _NUMBERS // each)
    parts = []
    for d, h in zip(gradient.split(size), x.split(size), strict=True):
        if direct:
            parts.append(torch.bmm(d.transpose(1, 2), h).flatten(1).square().sum(1))
        else:
            parts.append((torch.bmm(d, d.transpose(1, 2)) * torch.bmm(h, h.transpose(1, 2))).flatten(1).sum(1))
    return torch.cat(parts).clamp_min(0)


def _pair(value: Any, dimensions: int) -> tuple[int, ...]:
    made = (value,) * dimensions if isinstance(value, int) else tuple(int(v) for v in value)
    return made * dimensions if len(made) == 1 else made


def _patches(event: Event, x: Tensor) -> Tensor:
    """(n, c·k, p) what the kernel sees at each position."""
    weight, given = event.weight, event.arguments
    assert weight is not None  # noqa: S101 (a convolution has one)
    kernel = tuple(weight.shape[2:])
    size = len(kernel)
    stride, dilation = _pair(given.get("stride", 1), size), _pair(given.get("dilation", 1), size)
    padding = given.get("padding", 0)
    if isinstance(padding, str):
        totals = [d * (k - 1) if padding == "same" else 0 for d, k in zip(dilation, kernel, strict=True)]
        ends = [end for total in reversed(totals) for end in (total // 2, total - total // 2)]
        x, padding = F.pad(x, ends), 0
    padding = _pair(padding, size)
    if set(kernel) == {1} and set(stride) == {1} and set(padding) == {0}:
        return x.flatten(2)
    if size == 1:
        x, kernel, stride = x.unsqueeze(2), (1, *kernel), (1, *stride)
        padding, dilation = (0, *padding), (1, *dilation)
    return F.unfold(x, kernel, dilation, padding, stride)


def _convolution(event: Event, x: Tensor, gradient: Tensor) -> Tensor:
    samples, groups = len(x), int(event.arguments.get("groups", 1))
    d = gradient.flatten(2)
    outputs, positions = d.shape[1], d.shape[2]
    inputs = event.weight[0].numel()  # type: ignore[index]
    size = max(1, _NUMBERS // (inputs * groups * positions))
    parts = []
    for x_part, d_part in zip(x.split(size), d.split(size), strict=True):
        h = _patches(event, x_part).reshape(-1, inputs, positions)
        parts.append(_matrix(d_part.reshape(-1, outputs // groups, positions).mT, h.mT))
    return torch.cat(parts).reshape(samples, groups).sum(1)


def _embedding(event: Event, x: Tensor, gradient: Tensor) -> Tensor:
    tokens, d = x.reshape(len(x), -1), gradient.reshape(len(x), -1, gradient.shape[-1])
    padding = event.arguments.get("padding_idx")
    if padding is not None and padding >= 0:
        d = d * (tokens != padding).unsqueeze(-1)
    same = tokens.unsqueeze(2) == tokens.unsqueeze(1)
    return (torch.bmm(d, d.mT) * same).flatten(1).sum(1).clamp_min(0)


def _scale(event: Event, x: Tensor, gradient: Tensor) -> Tensor:
    """The scale multiplies the normalised input, which is the output of the same layer without scale and shift."""
    product = gradient * normalised(event, x)
    if event.operation in {"layer_norm", "rms_norm"}:
        trailing = len(event.arguments["normalized_shape"])
        product = product.flatten(1, -trailing - 1).sum(1) if product.ndim - trailing > 1 else product
        return product.flatten(1).square().sum(1)
    return (product.flatten(2).sum(2) if product.ndim > 2 else product).square().sum(1)


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
