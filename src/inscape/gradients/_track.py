"""Gradients and units of a network while it is trained: one row a record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from inscape.gradients._track_draw import curves
from inscape.results import Provenance, Result, Status


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GradientTrack(Result):
    """What :class:`GradientTracker` recorded: n records of a activations and l layers, with q quantiles.

    Values are NaN where a record did not meet an activation or a layer, and where the quantity is not defined.

    Attributes:
        steps: (n,) optimizer steps done.
        epochs: (n,) epochs done, -1 where they are not known.
        activations: their names, such as ``"relu after 0"``.
        layers: names of the layers with a weight.
        levels: (q,) levels of the quantiles.
        kappa: (n, a, q) quantiles over units of the spread of pre-activations over the transition's half-width; NaN
            for activations with a kink.
        occupancy: (n, a, q) quantiles over units of the share of values with a large slope.
        effective: (n, a, q) quantiles over units of the effective sample size.
        unsupported: (n, a) share of units with less than ``needed`` effective samples.
        values: (n, a) values that each unit saw: samples, times positions.
        units: (n, a) number of units.
        norm: (n, l) mean norm of single samples' gradients.
        norm_quantiles: (n, l, q) their quantiles over the samples.
        coherence: (n, l) norm of the mean gradient over the mean norm, from 0 to 1.
        log_delta: (n, l) natural logarithm of the root mean square of ‖δ‖, the gradient of single samples' losses at
            the layer's output.
        log_gradient: (n, l) natural logarithm of the root mean square of ‖∇W‖ over the backward passes.
        refused: layer → why the norms of single samples are not known.
        needed: effective samples that a unit needs.
        delta: share of the largest slope from which on a slope is large.
        status: measured.
        provenance: options, fingerprint of the model when it was first looked at.
    """

    kind: ClassVar[str] = "gradient-track"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016", "kish1965")

    steps: np.ndarray
    epochs: np.ndarray
    activations: tuple[str, ...]
    layers: tuple[str, ...]
    levels: np.ndarray
    kappa: np.ndarray
    occupancy: np.ndarray
    effective: np.ndarray
    unsupported: np.ndarray
    values: np.ndarray
    units: np.ndarray
    norm: np.ndarray
    norm_quantiles: np.ndarray
    coherence: np.ndarray
    log_delta: np.ndarray
    log_gradient: np.ndarray
    refused: Mapping[str, str]
    needed: float
    delta: float
    status: Status
    provenance: Provenance

    @property
    def records(self) -> int:
        """Number of records."""
        return len(self.steps)

    @property
    def unsupported_share(self) -> np.ndarray:
        """(n,) share of all units of the network that are unsupported."""
        units = np.nansum(self.units, axis=1)
        some = np.nansum(self.unsupported * self.units, axis=1)
        return np.divide(some, units, out=np.full(len(units), np.nan), where=units > 0)

    def facts(self) -> dict[str, object]:
        """Name → value for the summary."""
        found: dict[str, object] = {
            "records": self.records,
            "activations": len(self.activations),
            "layers": len(self.layers),
        }
        if self.records:
            share, gradient = self.unsupported_share, self.log_gradient / np.log(10)
            found["steps"] = f"{self.steps[0]} to {self.steps[-1]}"
            found["unsupported units"] = f"{share[0]:.1%} to {share[-1]:.1%}"
            if self.layers:
                found["gradient of the first layer"] = f"10^{gradient[0, 0]:.2f} to 10^{gradient[-1, 0]:.2f}"
        return found | ({"without single samples": ", ".join(self.refused)} if self.refused else {})

    def columns(self) -> dict[str, Any]:
        """One row for each record and activation or layer; columns of the other kind are NaN."""
        names = [*self.activations, *self.layers]
        count = len(names)
        found: dict[str, Any] = {
            "step": np.repeat(self.steps, count),
            "epoch": np.repeat(self.epochs, count),
            "name": np.tile(np.array(names, dtype=str), self.records),
        }
        before, after = len(self.activations), len(self.layers)
        for name in ("unsupported", "values", "units", "kappa", "occupancy", "effective"):
            found |= self._spread(name, (0, after))
        for name in ("norm", "coherence", "log_delta", "log_gradient", "norm_quantiles"):
            found |= self._spread(name, (before, 0))
        return found

    def _spread(self, name: str, around: tuple[int, int]) -> dict[str, np.ndarray]:
        values = getattr(self, name)
        wide = np.pad(values, [(0, 0), around] + [(0, 0)] * (values.ndim - 2), constant_values=np.nan)
        if values.ndim == 2:
            return {name: wide.ravel()}
        return {f"{name}_{100 * level:.0f}": wide[:, :, i].ravel() for i, level in enumerate(self.levels)}

    def info(self, *, which: str = "unsupported", only: Sequence[str] = ()) -> Any:
        """Curves over the steps, one for each activation or layer.

        Args:
            which: ``"kappa"``, ``"occupancy"``, ``"effective"`` and ``"norms"`` (medians, with the band between the
                outer quantiles), ``"unsupported"``, ``"coherence"``, ``"delta"`` or ``"gradient"``.
            only: names of the activations or layers to show; empty for all, or ten evenly chosen ones of more.

        Returns:
            A ``plotting.Lines``.

        Raises:
            InputError: if there is no such curve or nothing was recorded.
        """
        return curves(self, which, tuple(only))
