"""Mean, spread and range of many units at once, batch by batch, in float64."""

import numpy as np
import torch
from torch import Tensor


class Moments:
    """Running mean, squared deviations and range of each column; batches of any size may follow each other.

    Attributes:
        count: values of each column so far.
        mean: (units,) means.
        squares: (units,) sums of squared deviations from the mean.
        least: (units,) smallest values.
        largest: (units,) largest values.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.squares = self.least = self.largest = torch.zeros(0)

    def add(self, values: Tensor) -> None:
        """Take in a batch.

        Args:
            values: (n, units) values.
        """
        values = values.detach().double()
        if not len(values):
            return
        mean, low, high = values.mean(0), *values.aminmax(dim=0)
        squares = (values - mean).square().sum(0)
        if not self.count:
            self.count, self.mean, self.squares, self.least, self.largest = len(values), mean, squares, low, high
            return
        total = self.count + len(values)
        step = mean - self.mean
        self.squares = self.squares + squares + step.square() * (self.count * len(values) / total)
        self.mean = self.mean + step * (len(values) / total)
        self.least, self.largest = torch.minimum(self.least, low), torch.maximum(self.largest, high)
        self.count = total

    @property
    def deviation(self) -> np.ndarray:
        """(units,) standard deviations, divided by the count; 0 where all values are equal."""
        return np.where(self.constant, 0.0, (self.squares / max(self.count, 1)).sqrt().cpu().numpy())

    @property
    def constant(self) -> np.ndarray:
        """(units,) whether all values are equal."""
        return (self.least == self.largest).cpu().numpy()
