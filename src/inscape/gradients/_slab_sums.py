"""What is summed up of each unit for its slab."""

import numpy as np
import torch
from torch import Tensor

from inscape.gradients._activations import transition
from inscape.gradients._moments import Moments
from inscape.gradients._sites import Site


class SlabSums:
    """Moments of the pre-activations of one activation's units, and on which side of the transition they lie.

    Attributes:
        site: the units.
        delta: level of the derivative.
        shape: the activation's transition.
        moments: of the pre-activations.
    """

    def __init__(self, site: Site, delta: float) -> None:
        self.site = site
        self.delta = delta
        self.shape = transition(site.activation, delta)
        self.moments = Moments()
        self._low = self._high = self._open = self._alive = self._below = torch.zeros(site.units, dtype=torch.int64)

    def take(self, z: Tensor, slope: Tensor) -> None:
        """Take in a part of a batch.

        Args:
            z: (n, p, units) pre-activations.
            slope: (n, p, units) derivatives of the activation there.
        """
        z, slope = z.flatten(0, 1), slope.flatten(0, 1)
        self.moments.add(z)
        centre, half = self.shape.centre, self.shape.halfwidth
        high = z > centre + half
        low = z <= centre if self.site.activation.kinked else z < centre - half
        inside = ~(low | high) if self.site.activation.saturating else slope.abs() >= self.delta * self.shape.largest
        self._low = self._low + low.sum(0).cpu()
        self._high = self._high + high.sum(0).cpu()
        self._open = self._open + inside.sum(0).cpu()
        self._alive = self._alive + (slope != 0).sum(0).cpu()
        self._below = self._below + (z <= centre).sum(0).cpu()

    def columns(self) -> dict[str, np.ndarray]:
        r"""Column → (units,) values.

        Returns:
            What the data alone say: the columns of :class:`UnitSlabs` but those of the weight.
        """
        moments, kinked, units = self.moments, self.site.activation.kinked, self.site.units
        count = max(moments.count, 1)
        mean, deviation = moments.mean.cpu().numpy(), moments.deviation
        low, high, inside = (part.numpy() / count for part in (self._low, self._high, self._open))
        with np.errstate(divide="ignore", invalid="ignore"):
            kappa = deviation / self.shape.halfwidth if self.shape.halfwidth > 0 else np.full(units, np.nan)
            kink = np.abs(mean - self.shape.centre) / deviation if kinked else np.full(units, np.nan)
        below = self._below.numpy() / count
        dead = self._alive.numpy() == 0
        return {
            "centre": np.full(units, self.shape.centre),
            "halfwidth": np.full(units, self.shape.halfwidth),
            "mean": mean,
            "deviation": deviation,
            "kappa": kappa,
            "kink_distance": kink,
            "smaller_side": np.minimum(below, 1 - below),
            "occupancy": inside,
            "low": low,
            "high": high,
            "dead": dead,
            "always_on": np.full(units, kinked) & ~dead & (np.minimum(low, high) == 0),
            "constant": moments.constant,
        }
