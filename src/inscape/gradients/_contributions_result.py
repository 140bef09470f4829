"""The answer of :func:`inscape.gradients.contributions`."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from inscape._errors import InputError
from inscape.results import Provenance, Result, Status

_FIGURES = ("lorenz", "classes", "sorted")
_CURVES = 9
"""Most layers with a curve of their own; of more an even choice is drawn."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Contributions(Result):
    r"""Norms of the gradient of every sample's loss with respect to every layer's weight.

    Where a method takes a ``layer``, this is its name or its number, and None stands for all layers together:
    :math:`C_i = (\sum_k C_{ik}^2)^{1/2}`, the norm of the gradient with respect to all these weights.

    Attributes:
        layers: (L,) paths of the layers, in the order of the calls.
        norms: (n, L) norms :math:`C_{ik}`, samples in the order of the data.
        labels: (n,) whole-number labels, or empty.
        mean_gradient: (L,) norm of the mean of all samples' gradients.
        refused: pairs (path of a layer, why it has no norms of single samples).
        status: measured.
        provenance: how it was made.
    """

    kind: ClassVar[str] = "contributions"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016", "goodfellow2015", "bu2022", "lorenz1905")

    layers: tuple[str, ...]
    norms: np.ndarray
    labels: np.ndarray
    mean_gradient: np.ndarray
    refused: tuple[tuple[str, str], ...]
    status: Status
    provenance: Provenance

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.norms)

    @property
    def totals(self) -> np.ndarray:
        """(n,) norm of every sample's gradient with respect to all layers together."""
        return np.sqrt(np.square(self.norms).sum(axis=1))

    @property
    def coherence(self) -> np.ndarray:
        r"""(L,) :math:`\lVert \bar g \rVert / \overline{\lVert g \rVert}`, NaN where no sample has a gradient.

        It is 1 where all samples pull the same way, about :math:`1/\sqrt n` where they pull at random, and 0 where they
        cancel.
        """
        mean = self.norms.mean(axis=0)
        return np.divide(self.mean_gradient, mean, out=np.full(len(mean), np.nan), where=mean > 0)

    @property
    def gini(self) -> np.ndarray:
        """(L,) Gini coefficient of each layer's norms: 0 if all samples carry the same, near 1 if few carry all."""
        return np.array([_gini(self.lorenz(layer)) for layer in range(len(self.layers))])

    @property
    def total_gini(self) -> float:
        """Gini coefficient of all layers together."""
        return _gini(self.lorenz())

    @property
    def classes(self) -> np.ndarray:
        """(K,) the labels that occur, in order."""
        return np.unique(self.labels)

    def of(self, layer: str | int | None = None) -> np.ndarray:
        """The norms of one layer.

        Args:
            layer: name or number of a layer, None for all together.

        Returns:
            (n,) norms.

        Raises:
            InputError: if there is no such layer.
        """
        if layer is None:
            return self.totals
        if isinstance(layer, str) and layer in self.layers:
            return self.norms[:, self.layers.index(layer)]
        if isinstance(layer, int) and -len(self.layers) <= layer < len(self.layers):
            return self.norms[:, layer]
        raise InputError(f"expected a layer as one of {', '.join(self.layers)} or its number, got {layer!r}")

    def lorenz(self, layer: str | int | None = None) -> np.ndarray:
        """The Lorenz curve: what the smallest norms carry of the sum of all.

        Args:
            layer: name or number of a layer, None for all together.

        Returns:
            (n + 1,) share of the sum that the i smallest norms carry, from 0 to 1; the diagonal if all vanish.
        """
        sizes = np.sort(self.of(layer))
        if sizes[-1] == 0:
            return np.linspace(0.0, 1.0, self.samples + 1)
        curve = np.concatenate([[0.0], np.cumsum(sizes / sizes[-1])])
        return curve / curve[-1]

    def top_share(self, part: float, layer: str | int | None = None) -> float:
        """What the largest norms carry of the sum of all.

        Args:
            part: which part of the samples is meant, between 0 and 1; in between samples the curve is straight.
            layer: name or number of a layer, None for all together.

        Returns:
            A share between 0 and 1.

        Raises:
            InputError: if the part is none.
        """
        if not 0.0 <= part <= 1.0:
            raise InputError(f"expected part between 0 and 1, got {part}")
        curve = self.lorenz(layer)
        return 1.0 - float(np.interp(1.0 - part, np.linspace(0.0, 1.0, len(curve)), curve))

    def needed(self, share: float, layer: str | int | None = None) -> float:
        """The smallest part of the samples that carries a share of the sum of all norms.

        Args:
            share: share of the sum, between 0 and 1.
            layer: name or number of a layer, None for all together.

        Returns:
            A whole number of samples over n.

        Raises:
            InputError: if the share is none.
        """
        if not 0.0 <= share <= 1.0:
            raise InputError(f"expected share between 0 and 1, got {share}")
        carried = 1.0 - self.lorenz(layer)[::-1]  # by the 0, 1, ..., n largest
        return int(np.searchsorted(carried, share - 1e-12)) / self.samples

    def ranked(self, layer: str | int | None = None, *, most: int | None = None) -> np.ndarray:
        """Samples by what they carry.

        Args:
            layer: name or number of a layer, None for all together.
            most: how many, None for all.

        Returns:
            Numbers of samples in the order of the data, that of the largest norm first; equal ones in their order.

        Raises:
            InputError: if fewer than one are asked for.
        """
        if most is not None and most < 1:
            raise InputError(f"expected most ≥ 1 samples or None, got {most}")
        return np.argsort(-self.of(layer), kind="stable")[:most]

    def class_totals(self, layer: str | int | None = None) -> np.ndarray:
        """Sum of the norms of each class's samples.

        Args:
            layer: name or number of a layer, None for all together.

        Returns:
            (K,) sums, in the order of :attr:`classes`.

        Raises:
            InputError: if the data have no whole-number labels.
        """
        if not len(self.labels):
            raise InputError("the data have no whole-number labels, one a sample, so there are no classes")
        return np.bincount(np.unique(self.labels, return_inverse=True)[1], weights=self.of(layer))

    def facts(self) -> dict[str, object]:
        """What the summary shows: name → value, in order."""
        coherence = self.coherence
        facts: dict[str, object] = {
            "samples": self.samples,
            "layers": len(self.layers),
            "carried by the top 10 %": f"{self.top_share(0.1):.1%}",
            "samples that carry 90 %": f"{self.needed(0.9):.1%}",
            "Gini coefficient": f"{self.total_gini:.3f}",
            "largest at": ", ".join(map(str, self.ranked(most=3).tolist())),
        }
        if not np.isnan(coherence).all():
            low, high = np.nanmin(coherence), np.nanmax(coherence)
            facts["coherence"] = f"{low:.3g} to {high:.3g} (random: {1 / np.sqrt(self.samples):.3g})"
        if self.refused:
            facts["without norms"] = ", ".join(name for name, _ in self.refused)
        return facts

    def columns(self) -> dict[str, Any]:
        """Column name → one-dimensional array: one row a sample."""
        found: dict[str, Any] = {"sample": np.arange(self.samples)}
        if len(self.labels):
            found["label"] = self.labels
        found["total"] = self.totals
        return found | {name: self.norms[:, k] for k, name in enumerate(self.layers)}

    def info(self, *, which: str = "lorenz") -> Any:
        """Curves by layer.

        Args:
            which: ``"lorenz"``, ``"classes"`` (what each class carries over its share of the samples) or ``"sorted"``
                (norms over their mean, largest first).

        Returns:
            A ``plotting.Lines``; of more than nine layers an even choice is drawn.

        Raises:
            InputError: if there is no such figure, or there are no classes.
        """
        from inscape.gradients._contributions_draw import classes_info, lorenz_info, sorted_info

        if which not in _FIGURES:
            raise InputError(f"expected which to be one of {', '.join(_FIGURES)}, got {which!r}")
        count = len(self.layers)
        shown = np.unique(np.linspace(0, count - 1, min(count, _CURVES)).round().astype(np.int64)).tolist()
        draw = {"lorenz": lorenz_info, "classes": classes_info, "sorted": sorted_info}[which]
        return draw(self, shown)


def _gini(curve: np.ndarray) -> float:
    """One minus twice the area below a Lorenz curve."""
    return float(1.0 - (curve[1:] + curve[:-1]).sum() / (len(curve) - 1))
