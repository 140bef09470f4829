"""Effective sample sizes of all units of a model on given data."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from inscape._errors import ModelError
from inscape.data import batches
from inscape.gradients._observer import Observer, Sums
from inscape.gradients._tape import Event
from inscape.gradients._unit_sums import Rules, read
from inscape.gradients._watch import Mode, watched


class UnitObserver(Observer):
    """A visitor that looks at units alone."""

    def _layer(self, event: Event, x: Tensor, output: Tensor) -> None:
        """Gradients are not looked at."""


def effective_sizes(
    model: nn.Module, data: Any, *, mode: Mode = "eval", batch_size: int = 1024
) -> dict[str, np.ndarray]:
    r"""Kish's effective sample size of each unit.

    .. math:: N_\text{eff} = \Big(\sum_i |ν'(z_i)|\Big)^2 \Big/ \sum_i ν'(z_i)^2

    The sums go over all values of a unit: samples, times positions where there are any.

    Args:
        model: the module; it comes out as it went in.
        data: a pair of tensors or ``(x, y)`` batches; walked through once.
        mode: mode in which the model is looked at.
        batch_size: samples per batch where the data are a pair.

    Returns:
        Name of an activation → (units,) effective sizes; 0 where all slopes are zero.

    Raises:
        ModelError: if the model has no activation with units.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Identity(), nn.ReLU())
        >>> effective_sizes(model, (torch.tensor([[1.0], [2.0], [-1.0]]), torch.zeros(3)))
        {'relu': array([2.])}

    Source:
        Kish (1965), section 11.7.
    """
    sums, rules = Sums(), Rules(delta=0.5)
    with watched(model, mode=mode, gradient=False) as looked:
        for x, y in batches(data, batch_size=batch_size):
            observer = UnitObserver(sums, rules)
            looked.run(x, y, observer)
            observer.commit()
    if not sums.units:
        raise ModelError(f"{type(model).__name__} has no activation that is known; there are no units to support")
    return {name: read(units).effective for name, units in sums.units.items()}
