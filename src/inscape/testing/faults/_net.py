"""The networks of the suite: what one looks like, and how it is built from a seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import prod, sqrt

import numpy as np
import torch
from torch import Tensor, nn

from inscape._errors import InputError

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}
_GAINS = {"he": sqrt(2.0), "xavier": 1.0}
_PIXELS = {"digits": 64, "mnist5k": 784}
_SIDES = {"digits": 8, "mnist5k": 28}
_STRIDES = {"digits": (1, 2, 1, 2), "mnist5k": (2, 2, 1, 2)}
CLASSES = 10


@dataclass(frozen=True, kw_only=True)
class Net:
    """What a network looks like, before anything is planted.

    Attributes:
        family: ``"mlp"`` or ``"conv"``; both end with a linear layer of ten outputs.
        dataset: ``"digits"`` or ``"mnist5k"``.
        activation: ``tanh``, ``relu``, ``sigmoid``, ``gelu`` or ``silu``.
        depth: hidden layers, the last linear layer not counted.
        width: units or channels of each hidden layer.
        init: ``"he"`` or ``"xavier"`` (normal weights of variance 2 or 1 over the fan-in, biases 0), or ``"default"``
            (what torch does: weights and biases uniform within one over the root of the fan-in).
        norm: ``""``, ``"layer"`` or ``"batch"``, before the activation of hidden layers.
        normed: how many hidden layers, from the first one on, are normalised; None for all.
        residual: whether hidden layers but the first come as blocks x + W₂ν(W₁x), two layers each.

    Raises:
        InputError: if there is no such family, data set, activation, initialisation or normalisation.
    """

    family: str = "mlp"
    dataset: str = "digits"
    activation: str = "tanh"
    depth: int = 7
    width: int = 64
    init: str = "xavier"
    norm: str = ""
    normed: int | None = None
    residual: bool = False

    def __post_init__(self) -> None:
        known = {
            "family": ("mlp", "conv"),
            "dataset": tuple(_PIXELS),
            "activation": tuple(_ACTIVATIONS),
            "init": (*_GAINS, "default"),
            "norm": ("", "layer", "batch"),
        }
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise InputError(
                    f"expected {name} as one of {', '.join(map(repr, values))}, got {getattr(self, name)!r}"
                )
        if self.depth < 1 or self.width < 1:
            raise InputError(f"expected depth ≥ 1 and width ≥ 1, got {self.depth} and {self.width}")

    @property
    def name(self) -> str:
        """A short name, such as ``mlp-digits-tanh-7x64``."""
        extras = {
            "default": self.init == "default",
            f"{self.norm}norm{self.normed or ''}": bool(self.norm),
            "residual": self.residual,
        }
        parts = [self.family, self.dataset, self.activation, f"{self.depth}x{self.width}"]
        return "-".join([*parts, *(name for name, there in extras.items() if there)])


class Cut(nn.Module):
    """Hands values on without their history, so that no gradient passes."""

    def forward(self, x: Tensor) -> Tensor:
        """The same values, detached."""
        return x.detach()


class Residual(nn.Module):
    """x + body(x).

    Attributes:
        body: the branch.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """The sum of the input and the branch."""
        return x + self.body(x)


def build(net: Net, seed: int, *, cut: int | None = None) -> nn.Sequential:
    """Build a network; no global random state is read or set.

    Args:
        net: what it looks like.
        seed: decides the weights.
        cut: put a ``detach`` behind the activation of this hidden layer, counted from 0.

    Returns:
        The module, float32, in training mode.
    """
    with torch.device("meta"):
        model = _skeleton(net, cut)
    model.to_empty(device="cpu")
    source = np.random.default_rng([seed, *net.name.encode()])
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                _draw(module, net.init, source)
            elif isinstance(module, nn.LayerNorm | nn.GroupNorm | nn.modules.batchnorm._BatchNorm):
                module.reset_parameters()
    return model


def _draw(layer: nn.Linear | nn.Conv2d, init: str, source: np.random.Generator) -> None:
    fan_in = prod(layer.weight.shape[1:])
    if init == "default":
        reach = 1 / sqrt(fan_in)
        weight, bias = (source.uniform(-reach, reach, p.shape) for p in layer.parameters())
    else:
        weight = source.standard_normal(layer.weight.shape) * (_GAINS[init] / sqrt(fan_in))
        bias = np.zeros(len(weight))
    for parameter, values in zip(layer.parameters(), (weight, bias), strict=True):
        parameter.copy_(torch.from_numpy(values))


@cache
def layer_paths(net: Net) -> tuple[str, ...]:
    """Paths of the linear layers and convolutions, in forward order; the last one makes the output.

    Args:
        net: what the network looks like.

    Returns:
        One path a layer.
    """
    return tuple(_named(net, nn.Linear | nn.Conv2d))


@cache
def norm_paths(net: Net) -> tuple[str, ...]:
    """Paths of the normalisations, in forward order.

    Args:
        net: what the network looks like.

    Returns:
        One path a hidden layer, or none.
    """
    return tuple(_named(net, nn.LayerNorm | nn.GroupNorm | nn.modules.batchnorm._BatchNorm))


def _named(net: Net, kind: object) -> Iterator[str]:
    with torch.device("meta"):
        model = _skeleton(net, None)
    return (name for name, module in model.named_modules() if isinstance(module, kind))  # type: ignore[arg-type]


def _skeleton(net: Net, cut: int | None) -> nn.Sequential:
    parts: list[nn.Module] = []
    inputs, hidden = (_PIXELS[net.dataset], 0) if net.family == "mlp" else (1, 0)
    while hidden < net.depth:
        if net.residual and hidden and hidden + 1 < net.depth:
            first, second = (_stage(net, inputs, place, strided=False) for place in (hidden, hidden + 1))
            parts.append(Residual(nn.Sequential(*first, second[0])))
            hidden += 1
        else:
            parts += _stage(net, inputs, hidden, strided=True)
        if hidden == cut:
            parts.append(Cut())
        inputs, hidden = net.width, hidden + 1
    if net.family == "conv":
        inputs = net.width * _final_side(net) ** 2
        parts.append(nn.Flatten())
    return nn.Sequential(*parts, nn.Linear(inputs, CLASSES))


def _stage(net: Net, inputs: int, hidden: int, *, strided: bool) -> list[nn.Module]:
    """Layer, normalisation and activation of a hidden layer."""
    normed = bool(net.norm) and (net.normed is None or hidden < net.normed)
    if net.family == "mlp":
        layer: nn.Module = nn.Linear(inputs, net.width)
        norms = {"layer": nn.LayerNorm, "batch": nn.BatchNorm1d}
        norm = [norms[net.norm](net.width)] if normed else []
    else:
        layer = nn.Conv2d(inputs, net.width, 3, padding=1, stride=_stride(net, hidden) if strided else 1)
        made = nn.BatchNorm2d(net.width) if net.norm == "batch" else nn.GroupNorm(1, net.width)
        norm = [made] if normed else []
    return [layer, *norm, _ACTIVATIONS[net.activation]()]


def _stride(net: Net, hidden: int) -> int:
    strides = _STRIDES[net.dataset]
    return strides[hidden] if hidden < len(strides) else 1


def _final_side(net: Net) -> int:
    side = _SIDES[net.dataset]
    for hidden in range(net.depth):
        if not net.residual or not hidden or hidden + 1 == net.depth:
            side = -(-side // _stride(net, hidden))
    return side
