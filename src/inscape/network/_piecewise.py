"""The piecewise-linear operators and the rule by which each splits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inscape._errors import UnsupportedLayerError
from inscape.geometry._program import Elementwise, Rule
from inscape.network import _groups
from inscape.network._layer import Bound, Layout

Pieces = tuple[Sequence[float], Sequence[Any], Sequence[Any]]
"""Thresholds, slopes and intercepts."""

RulePart = Callable[[Sequence[Tensor]], Rule]


@dataclass(frozen=True, kw_only=True, slots=True)
class Piecewise:
    """How an operator is piecewise linear.

    Attributes:
        word: the operation in words.
        pieces: of an elementwise operator, from its arguments.
        groups: of a maximum or a sort, from its arguments, inputs, output shape and layout.
        fixed: arguments that must be numbers.
        accepts: whether the arguments make it continuous; the text says what is wrong.
    """

    word: str
    pieces: Callable[[Bound], Pieces] | None = None
    groups: Callable[[Bound, list[Any], tuple[int, ...], Layout], Rule] | None = None
    refusal: Callable[[Bound], str | None] = lambda arguments: None

    def check(self, arguments: Bound, name: str) -> None:
        """Refuse arguments that make the operation discontinuous or random."""
        text = self.refusal(arguments)
        if text:
            raise UnsupportedLayerError(f"{self.word} in module {name!r} {text}")

    def rule(self, arguments: Bound, values: list[Any], shape: tuple[int, ...], layout: Layout) -> RulePart:
        """What gives the rule from the values of the constants."""
        make = self.groups
        if make is not None:
            return _once(lambda: make(arguments, values, shape, layout))
        if self.pieces is None:
            return _channel_slopes(shape, layout)
        thresholds, slopes, intercepts = (np.asarray(part, dtype=np.float64) for part in self.pieces(arguments))
        rule = Elementwise(thresholds=thresholds, slopes=slopes, intercepts=intercepts)
        return lambda constants: rule


def _once(make: Callable[[], Rule]) -> RulePart:
    """Index groups depend on shapes only, and are made when they are first asked for."""
    made: list[Rule] = []

    def rule(constants: Sequence[Tensor]) -> Rule:
        if not made:
            made.append(make())
        return made[0]

    return rule


def _channel_slopes(shape: tuple[int, ...], layout: Layout) -> RulePart:
    """PReLU: one slope, or one for each channel of dimension 1 of the captured tensor."""

    def rule(constants: Sequence[Tensor]) -> Rule:
        weight = constants[0].reshape(-1)
        captured = layout.captured_shape(shape)
        if weight.numel() == 1:
            negative = weight
            slopes = torch.stack([negative[0], torch.ones((), dtype=torch.float64)])
        else:
            spread = weight.reshape(-1, *(1,) * (len(captured) - 2)).expand(captured)
            negative = layout.store(spread, 1).reshape(-1)
            slopes = torch.stack([negative, torch.ones_like(negative)])
        return Elementwise(thresholds=np.zeros(1), slopes=slopes.numpy(), intercepts=np.zeros_like(slopes.numpy()))

    return rule


def _hinge(slope: float) -> Pieces:
    return [0.0], [slope, 1.0], [0.0, 0.0]


def _between(low: float | None, high: float | None) -> Pieces:
    if low is not None and high is not None and low >= high:
        return [], [0.0], [high]
    thresholds = [bound for bound in (low, high) if bound is not None]
    slopes = [1.0] if low is None else [0.0, 1.0]
    intercepts = [0.0] if low is None else [low, 0.0]
    return thresholds, slopes if high is None else [*slopes, 0.0], intercepts if high is None else [*intercepts, high]


def _jump(arguments: Bound) -> str | None:
    threshold, value = arguments["threshold"], arguments["value"]
    return None if threshold == value else f"jumps from {value} to {threshold}; exact geometry needs a continuous one"


def _random(arguments: Bound) -> str | None:
    return "draws random slopes; use it in evaluation mode" if arguments.get("training") else None


def _bounds(arguments: Bound) -> str | None:
    fixed = all(isinstance(arguments.get(key), int | float | None) for key in ("min", "max"))
    return None if fixed else "has bounds that are tensors; write it as torch.maximum and torch.minimum"


def _numbers(*names: str) -> Callable[[Bound], Pieces]:
    return lambda arguments: _between(*(None if not n else arguments.get(n) for n in names))


def _elementwise(word: str, pieces: Callable[[Bound], Pieces], **options: Any) -> Piecewise:
    return Piecewise(word=word, pieces=pieces, **options)


def _grouped(word: str, groups: Callable[..., Rule]) -> Piecewise:
    return Piecewise(word=word, groups=groups)


PIECEWISE: dict[str, Piecewise] = {
    "relu": _elementwise("ReLU", lambda a: _hinge(0.0)),
    "leaky_relu": _elementwise("LeakyReLU", lambda a: _hinge(a["negative_slope"])),
    "prelu": Piecewise(word="PReLU"),
    "_prelu_kernel": Piecewise(word="PReLU"),
    "rrelu": _elementwise("RReLU", lambda a: _hinge((a["lower"] + a["upper"]) / 2), refusal=_random),
    "relu6": _elementwise("ReLU6", lambda a: _between(0.0, 6.0)),
    "hardtanh": _elementwise("Hardtanh", _numbers("min_val", "max_val")),
    "hardsigmoid": _elementwise("Hardsigmoid", lambda a: ([-3.0, 3.0], [0.0, 1 / 6, 0.0], [0.0, 0.5, 1.0])),
    "clamp": _elementwise("clamp", _numbers("min", "max"), refusal=_bounds),
    "clamp_min": _elementwise("clamp", _numbers("min", ""), refusal=_bounds),
    "clamp_max": _elementwise("clamp", _numbers("", "max"), refusal=_bounds),
    "abs": _elementwise("abs", lambda a: ([0.0], [-1.0, 1.0], [0.0, 0.0])),
    "threshold": _elementwise("Threshold", lambda a: ([a["threshold"]], [0.0, 1.0], [a["value"], 0.0]), refusal=_jump),
    **{f"max_pool{d}d": _grouped(f"MaxPool{d}d", _groups.pooled) for d in (1, 2, 3)},
    **{f"max_pool{d}d_with_indices": _grouped(f"MaxPool{d}d", _groups.pooled) for d in (1, 2, 3)},
    **{f"adaptive_max_pool{d}d": _grouped(f"AdaptiveMaxPool{d}d", _groups.adaptively_pooled) for d in (1, 2, 3)},
    "amax": _grouped("maximum", _groups.reduced),
    "amin": _grouped("minimum", _groups.reduced_minimum),
    "max": _grouped("maximum", _groups.reduced_or_pair),
    "min": _grouped("minimum", _groups.reduced_or_pair_minimum),
    "maximum": _grouped("maximum", _groups.pair),
    "minimum": _grouped("minimum", _groups.pair_minimum),
    "fmax": _grouped("maximum", _groups.pair),
    "fmin": _grouped("minimum", _groups.pair_minimum),
    "sort": _grouped("sort", _groups.sorted_along),
}
"""Name of the operator → how it is piecewise linear."""
