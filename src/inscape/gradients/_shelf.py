"""Numbers of many passes in one piece of memory."""

import numpy as np
import torch
from torch import Tensor

_ROOM = 2**13
"""Numbers that fit at least."""

_TIMES = 32
"""Times that as many numbers fit as came first."""


_WAITING = 16
"""Tensors that wait to be moved together."""


class Shelf:
    """Numbers that are put aside, in double precision and on their device, until they are asked for together.

    Small tensors that were kept one by one for long would lie scattered in the memory that large ones leave behind, and
    that memory could not be used for large ones again. So only a few wait at a time.
    """

    def __init__(self) -> None:
        self._memory: Tensor | None = None
        self._room = 0
        self._used = 0
        self._coming = 0
        self._entries: list[tuple[int, int]] = []
        self._values: list[Tensor] = []
        self._times: list[Tensor] = []

    def __len__(self) -> int:
        return len(self._entries)

    def fits(self, count: int) -> bool:
        """Whether there is room for so many numbers more.

        Args:
            count: numbers.

        Returns:
            False where :meth:`take` is needed first; an empty shelf takes any number.
        """
        return not self._entries or self._coming + count <= self._room

    def put(self, values: Tensor, samples: int, *, times: Tensor | None = None) -> None:
        """Put numbers aside.

        Args:
            values: the numbers, of any shape.
            samples: samples that they stand for.
            times: factors of the same shape, or None.
        """
        if bool(self._times) != (times is not None):
            self._move()
        count = values.numel()
        self._values.append(values)
        if times is not None:
            self._times.append(times)
        self._entries.append((count, samples))
        self._coming += count
        if self._coming > self._room or len(self._values) >= _WAITING:
            self._move()

    def _move(self) -> None:
        """Bring what waits into the memory."""
        if not self._values:
            return
        values = torch.cat([part.reshape(-1) for part in self._values])
        if self._memory is None or self._coming > self._room:
            self._room = max(_ROOM, _TIMES * self._coming)
            before, self._memory = self._memory, torch.empty(self._room, dtype=torch.float64, device=values.device)
            if before is not None:
                self._memory[: self._used] = before[: self._used]
        place = self._memory[self._used : self._coming]
        place.copy_(values)
        if self._times:
            place.mul_(torch.cat([part.reshape(-1) for part in self._times]))
        self._used, self._values, self._times = self._coming, [], []

    def take(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All numbers; the shelf is empty then.

        Returns:
            The numbers in the order in which they came; how many came each time; and samples each time.
        """
        self._move()
        values = np.zeros(0) if self._memory is None else self._memory[: self._used].cpu().numpy().copy()
        counts, samples = np.array(self._entries, dtype=np.int64).reshape(-1, 2).T
        self._used, self._coming, self._entries = 0, 0, []
        return values, counts, samples
