"""What is summed up of each unit for the number of samples that support it."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inscape.gradients._critical import critical_scale
from inscape.gradients._log_slopes import density, effective_number, log_slope, support_constant
from inscape.gradients._reservoir import Reservoir
from inscape.gradients._sites import Site
from inscape.gradients._slab_sums import SlabSums


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Options of :func:`inscape.gradients.support`.

    Attributes:
        needed: samples that a hyperplane needs.
        delta: level of the derivative.
        most: most values of a unit that are kept.
    """

    needed: int
    delta: float
    most: int


class SupportSums:
    """Sums of the derivatives of one activation's units, with a bounded sample of their pre-activations.

    Attributes:
        site: the units.
        slabs: what :func:`inscape.gradients.slabs` sums up.
        kept: a sample of the pre-activations.
    """

    def __init__(self, site: Site, wanted: Wanted, rng: np.random.Generator) -> None:
        self.site = site
        self.slabs = SlabSums(site, wanted.delta)
        self.kept = Reservoir(wanted.most, rng)
        self._wanted = wanted
        none = torch.full((site.units,), -torch.inf, dtype=torch.float64)
        self._sum, self._squares = none, none
        self._participants = torch.zeros(site.units, dtype=torch.int64)

    def take(self, z: Tensor, slope: Tensor) -> None:
        """Take in a part of a batch.

        Args:
            z: (n, p, units) pre-activations.
            slope: (n, p, units) derivatives of the activation there, in the model's type.
        """
        self.slabs.take(z, slope)
        logs = log_slope(self.site.activation, z.double()).cpu()
        flat = logs.flatten(0, 1)
        self._sum = torch.logaddexp(self._sum, flat.logsumexp(0))
        self._squares = torch.logaddexp(self._squares, (2 * flat).logsumexp(0))
        level = np.log(self._wanted.delta) - 1e-12  # a derivative that is largest takes part at δ = 1 too
        self._participants = self._participants + (logs >= level).any(1).sum(0)
        self.kept.add(z.flatten(0, 1))

    @property
    def thinned(self) -> bool:
        """Whether only a sample of the values was kept."""
        return self.kept.seen > self._wanted.most

    def columns(self) -> dict[str, np.ndarray]:
        """Column → (units,) values of :class:`inscape.gradients.Support`."""
        slabs, units = self.slabs.columns(), self.site.units
        activation, values = self.site.activation, self.kept.rows
        at_centre = density(values.numpy(), self.slabs.shape.centre)
        critical = np.where(slabs["constant"], np.nan, self._critical(values))
        return {
            "effective": effective_number(self._sum, self._squares).numpy(),
            "participants": np.where(self.site.layout is None, np.nan, self._participants.numpy()),
            "values": np.full(units, self.kept.seen),
            "density": at_centre,
            "asymptote": support_constant(activation) * self.kept.seen * at_centre,
            "critical": critical,
            "kappa": slabs["kappa"],
            "occupancy": slabs["occupancy"],
        }

    def _critical(self, values: Tensor) -> np.ndarray:
        """The critical scale; a sample that is too thin for it is followed as far as it goes, then by its asymptote."""
        share = len(values) / self.kept.seen
        needed = self._wanted.needed
        if self.kept.seen < needed:
            return np.full(self.site.units, np.nan)
        resolved = max(needed * share, float(min(needed, len(values)))) if self.thinned else float(needed)
        found = critical_scale(self.site.activation, values, resolved).numpy()
        return found * (resolved / (needed * share)) if self.site.activation.saturating else found
