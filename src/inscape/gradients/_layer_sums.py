"""What the gradients of a layer were in the passes of a record: of single samples, at its output, of its weight."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inscape.gradients._shelf import Shelf

_KEPT = 2**16
"""Most norms of single samples that are kept for quantiles; of more, every second one is, then every fourth, ..."""


@dataclass(kw_only=True)
class LayerSums:
    """Sums of one layer. What comes in is put aside and folded into the sums later, so that a step costs little.

    Attributes:
        samples: samples whose norm is known.
        norms: sum of their norms ‖∇L_i‖.
        kept: norms of every ``stride``-th sample.
        stride: see ``kept``.
        delta: sum over samples of ‖δ_i‖², the squared gradient at the layer's output.
        delta_samples: samples in it.
        squares: sum over backward passes of ‖∇W‖², the squared gradient of the mean loss.
        passes: backward passes in it.
        weighted: sum over backward passes of samples times ‖∇W‖.
        weights: samples in it.
    """

    samples: int = 0
    norms: float = 0.0
    kept: np.ndarray = field(default_factory=lambda: np.zeros(0))
    stride: int = 1
    delta: float = 0.0
    delta_samples: int = 0
    squares: float = 0.0
    passes: int = 0
    weighted: float = 0.0
    weights: int = 0
    _singles: Shelf = field(default_factory=Shelf)
    _deltas: Shelf = field(default_factory=Shelf)
    _gradients: Shelf = field(default_factory=Shelf)

    def add_singles(self, norms: tuple[Tensor, ...]) -> None:
        """Take in the samples of one pass.

        Args:
            norms: norms of the samples' shares in the gradient of the mean loss, as one (n,) factor or two.
        """
        self._room(self._singles, len(norms[0]))
        self._singles.put(norms[0], len(norms[0]), times=norms[1] if len(norms) > 1 else None)

    def add_delta(self, norms: Tensor, samples: int) -> None:
        """Take in the gradient at the output in one pass.

        Args:
            norms: norms of its parts, for the mean loss; their squares add up.
            samples: samples in the pass.
        """
        self._room(self._deltas, norms.numel())
        self._deltas.put(norms, samples)

    def add_gradient(self, norm: Tensor, samples: int) -> None:
        """Take in the gradient of the weight in one backward pass.

        Args:
            norm: its norm, for the mean loss.
            samples: samples in the pass.
        """
        self._room(self._gradients, 1)
        self._gradients.put(norm, samples)

    def _room(self, shelf: Shelf, count: int) -> None:
        if not shelf.fits(count):
            self.fold()

    def fold(self) -> None:
        """Bring what was put aside into the sums."""
        if len(self._singles):
            values, counts, samples = self._singles.take()
            norms = values * np.repeat(samples, counts)
            self.norms += float(norms.sum())
            self._keep(norms)
        if len(self._deltas):
            values, counts, samples = self._deltas.take()
            self.delta += float(((np.repeat(samples, counts) * values) ** 2).sum())
            self.delta_samples += int(samples.sum())
        if len(self._gradients):
            values, _, samples = self._gradients.take()
            self.squares += float((values**2).sum())
            self.passes += len(values)
            self.weighted += float((values * samples).sum())
            self.weights += int(samples.sum())

    def _keep(self, norms: np.ndarray) -> None:
        first = -self.samples % self.stride
        self.kept = np.concatenate([self.kept, norms[first :: self.stride]])
        self.samples += len(norms)
        while len(self.kept) > _KEPT:
            self.kept = self.kept[::2]
            self.stride *= 2

    def row(self, levels: tuple[float, ...]) -> dict[str, Any]:
        """What the sums say.

        Args:
            levels: levels of the quantiles.

        Returns:
            ``norm`` and ``norm_quantiles`` of single samples, ``coherence``, and the logarithms ``delta`` and
            ``gradient``; NaN where nothing came in.
        """
        self.fold()
        mean = _over(self.norms, self.samples)
        with np.errstate(divide="ignore", invalid="ignore"):
            return {
                "norm": mean,
                "norm_quantiles": np.quantile(self.kept, levels) if len(self.kept) else np.full(len(levels), np.nan),
                "coherence": float(np.float64(_over(self.weighted, self.weights)) / mean),
                "delta": 0.5 * float(np.log(_over(self.delta, self.delta_samples))),
                "gradient": 0.5 * float(np.log(_over(self.squares, self.passes))),
            }

    def state(self) -> dict[str, Any]:
        """Numbers and tensors, for a checkpoint.

        Returns:
            Name → value.
        """
        self.fold()
        state = {name: getattr(self, name) for name in self.__dataclass_fields__ if not name.startswith("_")}
        return {**state, "kept": torch.from_numpy(self.kept.copy())}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "LayerSums":
        """Sums as :meth:`state` gave them.

        Args:
            state: what it gave.

        Returns:
            The sums.
        """
        return cls(**{**state, "kept": state["kept"].numpy().copy()})


def _over(total: float, count: int) -> float:
    return total / count if count else float("nan")
