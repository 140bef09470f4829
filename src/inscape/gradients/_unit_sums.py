r"""Sums over samples, batch by batch, from which the spread, the occupancy and the support of units follow.

For a unit with pre-activations :math:`z` and derivatives :math:`ν'(z)` at :math:`N` values,

.. math::

    κ = \operatorname{std}(z) / z^*, \qquad
    \text{occupancy} = \tfrac1N \#\{|ν'| \ge δ \max |ν'|\}, \qquad
    N_\text{eff} = \Big(\sum |ν'|\Big)^2 \Big/ \sum ν'^2
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inscape._errors import InputError
from inscape.gradients._activations import Activation, Transition, transition
from inscape.gradients._kernels_units import RELU, SIGMOID, TANH, unit_sums
from inscape.gradients._shelf import Shelf

_ROWS = 5
"""Numbers of a unit in a batch."""

_KINDS = {"relu": RELU, "tanh": TANH, "sigmoid": SIGMOID}
"""Activations that a kernel knows."""

Part = tuple[int, Tensor]
"""Values of each unit in a batch; (5, units) mean, variance, and sums of slopes, of their squares and of large ones."""


@dataclass(kw_only=True)
class UnitSums:
    """Sums over all values that the units of one activation have seen.

    Batches are put aside and folded into the sums in double precision, several at once, so that a step costs little.

    Attributes:
        halfwidth: half the width of the activation's transition, 0 for a kink.
        axis: axis of a pre-activation that counts its units.
        values: values that each unit has seen; samples, times positions where there are any.
        mean: (units,) their mean.
        scatter: (units,) sum of squared differences from it.
        slopes: (3, units) sums of slopes, of their squares, and of slopes that are large.
    """

    halfwidth: float
    axis: int
    values: int = 0
    mean: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.float64))
    scatter: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.float64))
    slopes: Tensor = field(default_factory=lambda: torch.zeros(3, 0, dtype=torch.float64))
    _aside: Shelf = field(default_factory=Shelf)

    def add(self, part: Part) -> None:
        """Take in a batch.

        Args:
            part: what :func:`batch_sums` gave.
        """
        count, sums = part
        if not self._aside.fits(sums.numel()):
            self.fold()
        self._aside.put(sums, count)

    def fold(self) -> None:
        """Bring what was put aside into the sums."""
        if not len(self._aside):
            return
        values, _, samples = self._aside.take()
        counts = torch.from_numpy(samples).double()[:, None]
        means, variances, *slopes = torch.from_numpy(values).reshape(len(samples), _ROWS, -1).unbind(1)
        if not self.values:
            self.mean, self.scatter = torch.zeros_like(means[0]), torch.zeros_like(means[0])
            self.slopes = torch.zeros(3, len(means[0]), dtype=torch.float64)
        scatters = torch.cat([self.scatter[None], variances * counts])
        counts = torch.cat([torch.tensor([[float(self.values)]], dtype=torch.float64), counts])
        means = torch.cat([self.mean[None], means])
        total = counts.sum()
        self.mean = (counts * means).sum(0) / total
        self.scatter = (scatters + counts * (means - self.mean).square()).sum(0)
        self.slopes = self.slopes + torch.stack([column.sum(0) for column in slopes])
        self.values = int(total)

    def state(self) -> dict[str, Any]:
        """Numbers and tensors, for a checkpoint.

        Returns:
            Name → value.
        """
        self.fold()
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if not name.startswith("_")}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "UnitSums":
        """Sums as :meth:`state` gave them.

        Args:
            state: what it gave.

        Returns:
            The sums.
        """
        return cls(**state)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the sums of units say.

    Attributes:
        mean: (units,) mean pre-activation.
        spread: (units,) its standard deviation over the values.
        kappa: (units,) spread over the half-width of the transition; NaN for an activation with a kink.
        occupancy: (units,) share of the values with a large slope.
        effective: (units,) effective number of values; 0 where all slopes are zero.
    """

    mean: np.ndarray
    spread: np.ndarray
    kappa: np.ndarray
    occupancy: np.ndarray
    effective: np.ndarray


@dataclass(kw_only=True)
class Rules:
    """Transitions of activations, each looked up once.

    Attributes:
        delta: level of the transitions, and share of the largest slope from which on a slope is large.
        known: name and options of an activation → its transition.
    """

    delta: float
    known: dict[tuple[Any, ...], Transition] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 < self.delta <= 1.0:
            raise InputError(f"expected 0 < delta ≤ 1, a share of the largest derivative, got {self.delta}")

    def of(self, activation: Activation) -> Transition:
        """Where an activation changes, and how steep it gets.

        Args:
            activation: the activation.

        Returns:
            Its transition; that of a PReLU follows its weights of the moment.
        """
        if activation.name == "prelu":
            steepest = max([1.0, *(float(weight.detach().abs().max()) for weight in _tensors(activation))])
            return Transition(centre=0.0, halfwidth=0.0, largest=steepest, reference_gate=0.0)
        key = (activation.name, activation.options)
        if key not in self.known:
            self.known[key] = transition(activation, self.delta)
        return self.known[key]


def _tensors(activation: Activation) -> list[Tensor]:
    """Tensors among the arguments that an activation was called with."""
    if not isinstance(activation.function, partial):
        return []
    parts = [part for part in activation.function.args if isinstance(part, dict | tuple)]
    given = [value for part in parts for value in (part.values() if isinstance(part, dict) else part)]
    return [value for value in given if isinstance(value, Tensor)]


def batch_sums(z: Tensor, output: Tensor, activation: Activation, axis: int, *, level: float) -> Part:
    """What the units of an activation saw in one batch.

    Args:
        z: pre-activations, without a graph.
        output: what the activation made of them, without a graph.
        activation: the activation.
        axis: axis of the units.
        level: slopes of at least this size are large.

    Returns:
        Values of each unit; and (5, units) mean, variance, sums of slopes, of their squares and of large ones.
    """
    z, output = wide(z), wide(output)
    count = z.numel() // z.shape[axis]
    kind = _KINDS.get(activation.name)
    if (
        kind is not None
        and axis == z.ndim - 1
        and z.device.type == "cpu"
        and z.is_contiguous()
        and output.is_contiguous()
    ):
        flat, made = z.view(-1, z.shape[-1]).numpy(), output.view(-1, z.shape[-1]).numpy()
        return count, torch.from_numpy(unit_sums(flat, made, kind, level))
    moments = torch.batch_norm_update_stats(z if axis == 1 else z.reshape(-1, z.shape[-1]), None, None, 0.0)
    slope = _slope(activation, z, output)
    large = _summed(torch.ge(slope, level, out=torch.empty_like(slope)), axis)
    return count, torch.stack([*moments, _summed(slope, axis), _summed(slope.mul_(slope), axis), large])


def read(units: UnitSums) -> Reading:
    """Turn sums into what they say.

    Args:
        units: sums over at least one value.

    Returns:
        The reading.
    """
    units.fold()
    slopes, squares, large = units.slopes.numpy()
    spread = np.sqrt(units.scatter.numpy() / units.values)
    return Reading(
        mean=units.mean.numpy(),
        spread=spread,
        kappa=spread / units.halfwidth if units.halfwidth > 0 else np.full_like(spread, np.nan),
        occupancy=large / units.values,
        effective=np.divide(slopes**2, squares, out=np.zeros_like(slopes), where=squares > 0),
    )


def wide(values: Tensor) -> Tensor:
    """The values in single precision at least.

    Args:
        values: of a floating type.

    Returns:
        The same tensor if it is wide enough.
    """
    return values if values.dtype in (torch.float32, torch.float64) else values.float()


def _summed(values: Tensor, axis: int) -> Tensor:
    """Sum over all axes but one."""
    others = [i for i in range(values.ndim) if i != axis % values.ndim]
    return values.sum(others) if others else values


def _slope(activation: Activation, z: Tensor, output: Tensor) -> Tensor:
    """Size of the derivative; from the output where that is quicker."""
    if activation.name == "relu":
        return torch.gt(z, 0, out=torch.empty_like(z))
    if activation.name == "tanh":
        return (output * output).neg_().add_(1)
    if activation.name == "sigmoid":
        return torch.addcmul(output, output, output, value=-1)
    return activation.derivative(z).abs()
