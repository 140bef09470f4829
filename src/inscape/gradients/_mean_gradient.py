"""The mean of many batches' gradients: short sums in the gradients' own type, the long one in double precision."""

import torch
from torch import Tensor

_TOGETHER = 16
"""Batches whose gradients are summed in their own type, which costs half of a sum in double precision."""


class MeanGradient:
    """A sum of gradients of one weight, over a number of samples in the end."""

    def __init__(self, weight: Tensor) -> None:
        self._part = torch.zeros_like(weight, requires_grad=False)
        self._whole = torch.zeros_like(self._part, dtype=torch.float64)
        self._batches = 0

    def part(self) -> Tensor:
        """The sum that the next batch is to be added to, by the one who asks.

        Returns:
            A tensor of the weight's shape and type.
        """
        if self._batches == _TOGETHER:
            self._flush()
        self._batches += 1
        return self._part

    def add(self, gradient: Tensor, weight: int) -> None:
        """Add a batch's gradient a number of times.

        Args:
            gradient: of the weight's shape, sparse or not.
            weight: how many times.
        """
        self.part().add_(gradient.detach(), alpha=weight)

    def _flush(self) -> None:
        self._whole.add_(self._part)
        self._part.zero_()
        self._batches = 0

    def norm(self, samples: int) -> float:
        """Norm of the sum over a number.

        Args:
            samples: the number.

        Returns:
            The norm of the mean.
        """
        self._flush()
        return float(torch.linalg.vector_norm(self._whole)) / samples
