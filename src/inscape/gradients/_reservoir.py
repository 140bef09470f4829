"""A bounded random sample of rows that come batch by batch."""

import numpy as np
import torch
from torch import Tensor


class Reservoir:
    """Keeps all rows while they are few, then a uniform sample without replacement: the rows of smallest keys.

    Attributes:
        most: most rows that are kept.
        seen: rows seen.
    """

    def __init__(self, most: int, rng: np.random.Generator) -> None:
        self.most = most
        self.seen = 0
        self._rng = rng
        self._keys = np.zeros(0)
        self._rows: list[Tensor] = []

    def add(self, rows: Tensor) -> None:
        """Take in rows.

        Args:
            rows: (n, units) values.
        """
        self.seen += len(rows)
        keys = self._rng.random(len(rows))
        if len(self._keys) >= self.most:
            chosen = np.flatnonzero(keys < self._keys.max())
            rows, keys = rows[torch.from_numpy(chosen).to(rows.device)], keys[chosen]
        self._keys = np.concatenate([self._keys, keys])
        self._rows.append(rows.detach().double().cpu())
        if len(self._keys) > self.most:
            kept = np.argpartition(self._keys, self.most - 1)[: self.most]
            kept.sort()
            self._keys = self._keys[kept]
            self._rows = [torch.cat(self._rows)[torch.from_numpy(kept)]]

    @property
    def rows(self) -> Tensor:
        """(k, units) the rows kept, in the order in which they came, in float64."""
        return torch.cat(self._rows) if self._rows else torch.zeros(0, 0, dtype=torch.float64)
