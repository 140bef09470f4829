"""The list of cases: which nets each kind is planted into, split by split."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from inscape.testing.faults._case import FaultCase
from inscape.testing.faults._kinds import KINDS
from inscape.testing.faults._net import Net

SPLITS = ("design", "held-out", "confirmation")
_TANH = {"activation": "tanh", "init": "xavier"}
_RELU = {"activation": "relu", "init": "he"}
_GELU = {"activation": "gelu", "init": "he"}
_SILU = {"activation": "silu", "init": "he"}
_SIGMOID = {"activation": "sigmoid", "init": "xavier"}

_SHAPES = {
    "design": (
        Net(depth=7, width=64),
        Net(family="conv", depth=4, width=16),
        Net(depth=5, width=128),
        Net(dataset="mnist5k", depth=5, width=128),
        Net(depth=10, width=64),
        Net(family="conv", dataset="mnist5k", depth=3, width=16),
        Net(depth=4, width=64),
    ),
    "held-out": (
        Net(depth=8, width=48),
        Net(family="conv", depth=6, width=24),
        Net(depth=6, width=96),
        Net(dataset="mnist5k", depth=6, width=64),
        Net(depth=12, width=32),
        Net(family="conv", dataset="mnist5k", depth=5, width=12),
        Net(depth=4, width=256),
    ),
    "confirmation": (
        Net(depth=9, width=56),
        Net(family="conv", depth=5, width=20),
        Net(depth=6, width=80),
        Net(dataset="mnist5k", depth=4, width=96),
        Net(depth=11, width=48),
        Net(family="conv", dataset="mnist5k", depth=4, width=14),
        Net(depth=5, width=192),
    ),
}
_SEEDS = {"design": (0, 1), "held-out": (100, 101), "confirmation": (200, 201)}
_BOTH, _ALL = (_TANH, _RELU), (_TANH, _RELU, _GELU, _SILU)
_ACTIVATIONS = {
    "saturated_units": dict.fromkeys(SPLITS, (_TANH,)),
    "dead_units": dict.fromkeys(SPLITS, (_RELU,)),
    "sigmoid": dict.fromkeys(SPLITS, (_SIGMOID,)),
    "sigmoid_large": dict.fromkeys(SPLITS, (_SIGMOID,)),
    "tanh_large": dict.fromkeys(SPLITS, (_TANH,)),
    "large_init": {"design": (_RELU,), "held-out": (_RELU, _GELU), "confirmation": (_RELU, _SILU)},
    "large_weights": {
        "design": (_RELU, _RELU, _TANH),
        "held-out": (_RELU, _GELU, _RELU, _TANH, _SILU),
        "confirmation": (_RELU, _SILU, _RELU, _GELU, _TANH),
    },
    "default": dict.fromkeys(SPLITS, _BOTH),
    "small_norm": dict.fromkeys(SPLITS, _BOTH),
}
_CORE = (
    ("large_weights", _TANH, 2),
    ("large_weights", _RELU, 2),
    ("small_weights", _TANH, 2),
    ("small_weights", _RELU, 2),
    ("saturated_units", _TANH, 1),
    ("dead_units", _RELU, 1),
    ("sigmoid_large", _SIGMOID, None),
)
"""Faults of the first shape of the design split, which a suite of this sort is bound to have."""
_OTHERS = {"design": _BOTH, "held-out": _ALL, "confirmation": _ALL}
_COUNTS = {"large_weights": 16, "small_weights": 16, "zero_weights": 12, "default": 14, "small_norm": 12}
_COUNT = 8
"""Candidates of a kind in a split; more for those that gradient descent often shrugs off."""
_PLACES = {"design": (2, 1, -2, 3), "held-out": (0, 4, -1, 1, -3), "confirmation": (1, -3, 3, 0, -2)}
"""Hidden layers that faults are planted into, taken in turn; negative numbers count from the last hidden layer."""


def candidates() -> tuple[FaultCase, ...]:
    """All cases, those included whose outcome does not bear out their label.

    Returns:
        The cases, in a fixed order.
    """
    found = [case for split in SPLITS for case in _of_split(split)]
    return tuple({case.key: case for case in found}.values())


def _of_split(split: str) -> Iterator[FaultCase]:
    yield from _healthy(split)
    if split == "design":
        for kind, activation, place in _CORE:
            net = replace(_SHAPES[split][0], **activation)
            yield FaultCase(kind=kind, net=net, place=place, seed=_SEEDS[split][0], split=split)
    for number, kind in enumerate(KINDS):
        if kind != "healthy":
            yield from _planted(split, kind, number)


def _healthy(split: str) -> Iterator[FaultCase]:
    shapes, seeds = _SHAPES[split], _SEEDS[split]
    for shape in shapes:
        for seed, activation in zip((seeds[0], seeds[0], seeds[1], seeds[1]), _BOTH * 2, strict=True):
            yield FaultCase(kind="healthy", net=replace(shape, **activation), seed=seed, split=split)
    extras = _extra_shapes(split)
    for shape in extras:
        yield FaultCase(kind="healthy", net=shape, seed=seeds[0], split=split)


def _extra_shapes(split: str) -> Sequence[Net]:
    first, conv = _SHAPES[split][:2]
    found = [replace(shape, **_RELU, norm=norm) for norm in ("layer", "batch") for shape in (first, conv)]
    found += [replace(first, **_TANH, norm=norm) for norm in ("layer", "batch")]
    if split != "design":
        found += [replace(shape, **kind) for kind in (_GELU, _SILU) for shape in (first, conv)]
        found += [replace(first, **kind, residual=True) for kind in (_RELU, _TANH, _GELU)]
        found += [replace(first, **_RELU, norm="layer", residual=True), replace(conv, **_RELU, residual=True)]
    return found


def _planted(split: str, kind: str, number: int) -> Iterator[FaultCase]:
    """Shapes, activations, seeds and places taken in turn, so that each kind meets a mixture of them."""
    shapes, seeds, places = _SHAPES[split], _SEEDS[split], _PLACES[split]
    activations = _ACTIVATIONS.get(kind, _OTHERS)[split]
    for turn in range(_COUNTS.get(kind, _COUNT)):
        shape = shapes[turn % len(shapes)]
        activation = activations[(turn // len(shapes) + turn + number) % len(activations)]
        net = replace(shape, **activation)
        if kind == "default":
            net = replace(net, init="default")
        place = _place(net, places[(turn + number) % len(places)]) if KINDS[kind].where else None
        if kind == "small_norm":
            # a later normalisation would make up for it, so that in most of these nets the sick one is the last
            normed = None if turn % 4 == 3 or place is None else place + 1
            net = replace(net, norm=("layer", "batch")[turn // 2 % 2], normed=normed)
        yield FaultCase(kind=kind, net=net, place=place, seed=seeds[turn // 2 % 2], split=split)


def _place(net: Net, place: int) -> int:
    return min(place, net.depth - 1) if place >= 0 else max(net.depth + place, 0)
