"""What becomes of a case when it is trained: the evidence for its label."""

import warnings
from dataclasses import dataclass, replace
from functools import cache
from math import nan

import numpy as np
import torch
from torch import Tensor, nn

from inscape._errors import InscapeWarning
from inscape.testing.faults._case import FaultCase, PlainDescent
from inscape.testing.faults._net import Net, build
from inscape.testing.faults._plant import FITTED_LOSS
from inscape.testing.faults._samples import held_out_part, training_part
from inscape.training import Recipe, fit

EPOCHS = 30
"""Passes through the training part that every network is given."""
SHARE = 0.95
"""Share of the reference accuracy that a healthy network reaches."""
CLEARLY = 0.9
"""Share of the reference accuracy below which a network with torch's own initialisation counts as sick."""
CHANCE = 0.1
DELAY = 1.5
"""How many times as many passes as its healthy twin a network needs that counts as sick, though it gets there."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What training with the case's own optimizer gave.

    Attributes:
        accuracy: best test accuracy after an epoch; 0.1 is chance.
        epochs: epochs until the accuracy was 95 % of the reference, interpolated; None if 30 were not enough.
        reference: best test accuracy that standard recipes reach with this family, data set, depth and width.
        still: hidden and output layers whose weights no step has changed.
        start: loss on the case's data before training.
        diverged: whether training ended early with a loss that is not finite.
    """

    accuracy: float
    epochs: float | None
    reference: float
    still: int
    start: float
    diverged: bool

    @property
    def healthy(self) -> bool:
        """Whether the network got there, with every layer in motion."""
        return self.epochs is not None and not self.still


def outcome(case: FaultCase, *, reference: float | None = None) -> Outcome:
    """Train a case's network with its own optimizer for 30 epochs and look how far it gets.

    Args:
        case: the case.
        reference: the best accuracy of standard recipes, if it is known already.

    Returns:
        Accuracy, epochs needed, layers that stayed as they were.
    """
    model = case.build()
    x, y = case.data()
    with torch.no_grad():
        start = float(case.loss()(model(x), y)) if case.net.norm != "batch" else nan
    if case.kind != "cancelling":
        x, y = training_part(case.net)
        x = case.scaled(x)
    curve, trained, diverged = _trained(model, (x, y), case)
    best = best_accuracy(case.net) if reference is None else reference
    return Outcome(
        accuracy=float(curve.max()) if len(curve) else CHANCE,
        epochs=_first(curve, SHARE * best),
        reference=best,
        still=_still(model, trained),
        start=start,
        diverged=diverged,
    )


def _trained(model: nn.Module, data: tuple[Tensor, Tensor], case: FaultCase) -> tuple[np.ndarray, nn.Module, bool]:
    test_x, test_y = held_out_part(case.net)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InscapeWarning)
        done = fit(model, data, epochs=EPOCHS, recipe=case.recipe, test=(case.scaled(test_x), test_y), progress=False)
    return done.history.test_accuracy, done.model, done.history.epochs < EPOCHS


def _still(before: nn.Module, after: nn.Module) -> int:
    pairs = zip(before.modules(), after.modules(), strict=True)
    return sum(
        torch.equal(old.weight, new.weight)
        for old, new in pairs
        if isinstance(old, nn.Linear | nn.Conv2d) and isinstance(new, nn.Linear | nn.Conv2d)
    )


def _first(curve: np.ndarray, level: float) -> float | None:
    """Where the curve first reaches a level, with straight lines between its points and chance before the first."""
    there = np.flatnonzero(curve >= level)
    if not len(there):
        return None
    i = int(there[0])
    before = float(curve[i - 1]) if i else CHANCE
    return i + (level - before) / (float(curve[i]) - before)


_STANDARD = (
    ({"activation": "tanh", "init": "xavier"}, Recipe(batch_size=32, optimizer=PlainDescent(), learning_rate=0.03)),
    ({"activation": "relu", "init": "he"}, Recipe(batch_size=32, learning_rate=1e-3)),
    ({"activation": "relu", "init": "he", "norm": "batch"}, Recipe(batch_size=32, optimizer="sgd", learning_rate=0.02)),
)


def best_accuracy(net: Net) -> float:
    """The best test accuracy that three standard recipes reach with a network of this size.

    Args:
        net: the network; its family, data set, depth and width count.

    Returns:
        The accuracy, in [0, 1].
    """
    return _best(Net(family=net.family, dataset=net.dataset, depth=net.depth, width=net.width))


@cache
def _best(shape: Net) -> float:
    best = 0.0
    for choice, recipe in _STANDARD:
        net = replace(shape, **choice)
        done = fit(
            build(net, 7), training_part(net), epochs=EPOCHS, recipe=recipe, test=held_out_part(net), progress=False
        )
        best = max(best, float(done.history.test_accuracy.max()))
    return best


def borne_out(case: FaultCase, found: Outcome, twin: Outcome) -> bool:
    """Whether outcomes bear out a case's label.

    A healthy network reaches 95 % of the reference accuracy within 30 epochs. A sick one has a healthy twin, and does
    not get there itself, or needs 1.5 times as many epochs, or has layers that no step moves. A fitted one starts at a
    loss of 1e-4. One with torch's own initialisation may be healthy or sick, but not in between.

    Args:
        case: the case.
        found: its outcome.
        twin: the outcome of ``case.twin()``.

    Returns:
        Whether the label stands.
    """
    if case.kind == "healthy":
        return found.healthy
    if case.kind == "fitted":
        return found.start <= 1.5 * FITTED_LOSS
    if case.kind == "default":
        return found.healthy or (twin.healthy and found.accuracy < CLEARLY * found.reference)
    if found.epochs is None or found.still:
        return twin.healthy
    return twin.healthy and twin.epochs is not None and found.epochs >= DELAY * twin.epochs
