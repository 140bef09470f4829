"""Which weight decay keeps the hyperplanes of a network supported by data, and how over-confident it then is."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from torch import nn

from inscape import runs
from inscape._errors import InputError, InputTypeError
from inscape._progress import Meter, meter
from inscape._rng import RandomState, draw_seed
from inscape.data import batches
from inscape.gradients._advice import Advice
from inscape.gradients._bisection import Search, search
from inscape.gradients._trial import COLUMNS, trial
from inscape.network import model_fingerprint
from inscape.results import MEASURED, Provenance, Status, Verdict
from inscape.training import Recipe

GRID = tuple(float(exponent) for exponent in range(-6, 1))
"""Powers of ten that are tried first."""

HALVINGS = 4
"""Halvings of the gap on the grid: the weight decay is known to a factor of 10^(1/16), about 1.15."""


@dataclass(kw_only=True)
class _Trials:
    """All trials so far, and how to make more."""

    shared: dict[str, Any]
    ledger: str | Path | None
    seed: int
    bar: Meter
    rows: dict[float, list[float]] = field(default_factory=dict)

    def shares(self, decays: Sequence[float]) -> list[float]:
        """Unsupported share at each weight decay, computed where it is not known yet."""
        new = [decay for decay in decays if decay not in self.rows]
        tasks = [{"weight_decay": decay} for decay in new]
        outcomes = runs.map(trial, tasks, shared=self.shared, ledger=self.ledger, rng=self.seed, progress=False)
        for decay, outcome in zip(new, outcomes, strict=True):
            self.rows[decay] = [float(value) for value in outcome.value]
            self.bar.advance(1)
        return [self.rows[decay][0] for decay in decays]


def advise(  # noqa: PLR0913 (all but the model and the data have a default)
    model: nn.Module,
    data: Any,
    *,
    recipe: Recipe | None = None,
    epochs: int = 10,
    needed: float = 30,
    allowed: float = 0.05,
    test: Any = None,
    rng: RandomState = 0,
    ledger: str | Path | None = None,
    progress: Meter | bool | None = None,
) -> Advice:
    """Find the least weight decay under which nearly all units are supported by enough samples.

    Copies of the model are trained for a few epochs, from the same start and with the same order of samples: without
    weight decay, at powers of ten from 10⁻⁶ to 1, and then between the last one that leaves too many units with fewer
    than ``needed`` effective samples and the first one that does not. With ``test`` data of classes each trained copy
    also gets the temperature by which its outputs are to be divided, so that it is as sure as it is right.

    The runs go through :func:`inscape.runs.map`: under ``joblib.parallel_config`` those of the grid run in parallel,
    and with a ledger an interrupted call goes on where it was.

    Args:
        model: the module to start from; it comes out as it went in.
        data: training data: a pair of tensors, or re-iterable ``(x, y)`` batches (which are then held in memory).
        recipe: optimizer (by name) and the other choices; its weight decay and its seed are replaced.
        epochs: length of each run.
        needed: effective samples that a unit needs, see :func:`track`.
        allowed: share of all units that may have less.
        test: held-out data for loss, accuracy and temperature, or None.
        rng: seed of the order of samples and of dropout, the same in all runs.
        ledger: file of finished runs, or None.
        progress: None for a bar on a terminal, True, False, or a meter object.

    Returns:
        The weight decay with the whole curve. Its status tells where none of them is enough, or none is needed.

    Raises:
        InputError: if a number is out of range, or the recipe's optimizer is no name.
        InputTypeError: if the model is no module.

    Example:
        >>> from inscape import data, training
        >>> model = training.mlp([2, 8, 2], activation="tanh")
        >>> advise(model, data.load("moons", n=200), epochs=2, needed=5).weight_decay  # none is needed
        0.0

    Source:
        van den Berg (2016) for the relation of weight scale and sample density; Guo et al. (2017) for temperature.
    """
    begin = perf_counter()
    seed = draw_seed(rng)
    chosen = replace(recipe or Recipe(), rng=seed)
    _check(model, chosen, epochs=epochs, needed=needed, allowed=allowed)
    shared = _shared(data, test) | {"model": model, "recipe": chosen, "epochs": epochs, "needed": float(needed)}
    grid = [10.0**exponent for exponent in GRID]
    with meter(progress, "weight decay", len(grid) + 1 + HALVINGS) as bar:
        trials = _Trials(shared=shared, ledger=ledger, seed=seed, bar=bar)
        trials.shares([0.0, *grid])
        enough = trials.rows[0.0][0] <= allowed
        found = None
        if not enough:
            found = search(
                lambda places: trials.shares([10.0**place for place in places]),
                GRID,
                allowed=allowed,
                halvings=HALVINGS,
            )
    decays = sorted(trials.rows)
    columns = np.array([trials.rows[decay] for decay in decays]).T
    return Advice(
        weight_decay=0.0 if found is None else _decay(found),
        weight_decays=np.array(decays),
        **dict(zip(COLUMNS, columns, strict=True)),
        needed=float(needed),
        allowed=float(allowed),
        epochs=epochs,
        status=_status(found, trials.rows, allowed),
        provenance=Provenance(
            function="inscape.gradients.advise",
            options=chosen.describe() | {"epochs": epochs, "needed": float(needed), "allowed": float(allowed)},
            model=model_fingerprint(model),
            seed=seed,
            seconds=perf_counter() - begin,
        ),
    )


def _check(model: Any, recipe: Recipe, *, epochs: int, needed: float, allowed: float) -> None:
    if not isinstance(model, nn.Module):
        raise InputTypeError(f"expected a torch.nn.Module, got {type(model).__name__}; pass the model itself")
    if not isinstance(recipe.optimizer, str):
        raise InputError(
            "the weight decay of a recipe's own optimizer is not known; name one: 'adam', 'adamw' or 'sgd'"
        )
    if epochs < 1:
        raise InputError(f"expected epochs ≥ 1, got {epochs}")
    if not needed > 0:
        raise InputError(f"expected needed > 0 effective samples, got {needed}")
    if not 0 <= allowed < 1:
        raise InputError(f"expected allowed as a share of the units, 0 ≤ allowed < 1, got {allowed}")


def _shared(data: Any, test: Any) -> dict[str, Any]:
    """The data as each task gets them: pairs, or lists of batches."""
    found, classes = {}, False
    for name, given in (("data", data), ("test", test)):
        if given is None:
            found[name] = None
            continue
        made = batches(given)
        found[name] = made.pair if made.pair is not None else list(made)
        first = made.pair if made.pair is not None else found[name][0]
        classes = not first[1].is_floating_point()
    return found | {"classes": classes}


def _decay(found: Search) -> float:
    return float("nan") if found.found is None else 10.0**found.found


def _status(found: Search | None, rows: dict[float, list[float]], allowed: float) -> Status:
    if found is None:
        return replace(MEASURED, detail="no weight decay is needed")
    if found.found is None:
        best = min((row[0] for row in rows.values() if not isnan(row[0])), default=float("nan"))
        detail = f"no weight decay up to 1 leaves only {allowed:.1%} of the units unsupported; the least is {best:.1%}"
        return Status(verdict=Verdict.LIMIT, detail=detail)
    if not found.monotone:
        return replace(MEASURED, detail="the share rises somewhere along the curve; the first crossing is given")
    return MEASURED
