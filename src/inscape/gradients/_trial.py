"""A short training run at one weight decay, as a task of :func:`inscape.runs.map`."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from math import nan
from typing import Any

import numpy as np

from inscape._errors import InscapeWarning
from inscape.data import batches
from inscape.gradients._calibration import calibrate, outputs_of
from inscape.gradients._effective import effective_sizes
from inscape.results import Verdict
from inscape.training import fit
from inscape.training._evaluate import measure

COLUMNS = (
    "unsupported", "loss", "accuracy", "test_loss", "test_accuracy", "temperature", "nll_before", "nll_after",
    "ece_before", "ece_after",
)  # fmt: skip
"""What a trial finds, in this order; NaN where it is not defined, all of it where the training diverged."""


def trial(weight_decay: float, shared: Mapping[str, Any]) -> list[float]:
    """Train a copy of the model and look at its units.

    Args:
        weight_decay: weight decay of the optimizer.
        shared: ``model``, ``data``, ``test``, ``recipe``, ``epochs`` and ``needed``.

    Returns:
        The values of :data:`COLUMNS`.
    """
    recipe = replace(shared["recipe"], weight_decay=weight_decay, in_place=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InscapeWarning)  # a run that diverged is told by its row
        done = fit(shared["model"], shared["data"], epochs=shared["epochs"], recipe=recipe, progress=False)
    if done.status.verdict is Verdict.DEGENERATE:
        return [nan] * len(COLUMNS)
    sizes = np.concatenate(list(effective_sizes(done.model, shared["data"]).values()))
    loss, accuracy = measure(done.model, batches(shared["data"]), recipe)
    row = [float((sizes < shared["needed"]).mean()), loss, accuracy]
    test = shared["test"]
    if test is None:
        return row + [nan] * 7
    row += measure(done.model, batches(test), recipe)
    if not shared["classes"]:
        return row + [nan] * 5
    found = calibrate(*outputs_of(done.model, test))
    return [*row, found.temperature, *map(float, found.nll), *map(float, found.ece)]
