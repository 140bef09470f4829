"""Numbers of many passes in one piece of memory."""

import numpy as np
import torch
from torch import Tensor

_ROOM = 2**13
"""Numbers that fit at least."""

_TIMES = 32
"""Times that as many numbers fit as came first."""


class Shelf:
    """Numbers that are put aside, in double precision and on their device, until they are asked for together.

    Small tensors that were kept one by one would lie scattered in the memory that large ones leave behind, and that
    memory could not be used for large ones again.
    """

    def __init__(self) -> None:
        self._memory: Tensor | None = None
        self._room = 0
        self._used = 0
        self._entries: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def fits(self, count: int) -> bool:
        """Whether there is room for so many numbers more.

        Args:
            count: numbers.

        Returns:
            False where :meth:`take` is needed first; an empty shelf takes any number.
        """
        return not self._entries or self._used + count <= self._room

    def put(self, values: Tensor, samples: int, *, times: Tensor | None = None) -> None:
        """Put numbers aside.

        Args:
            values: the numbers, of any shape.
            samples: samples that they stand for.
            times: factors of the same shape, or None.
        """
        count = values.numel()
        if self._memory is None or (not self._entries and count > self._room):
            self._room = max(_ROOM, _TIMES * count)
            self._memory = torch.empty(self._room, dtype=torch.float64, device=values.device)
        place = self._memory[self._used : self._used + count]
        place.copy_(values.reshape(-1))
        if times is not None:
            place.mul_(times.reshape(-1))
        self._entries.append((count, samples))
        self._used += count

    def take(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All numbers; the shelf is empty then.

        Returns:
            The numbers in the order in which they came; how many came each time; and samples each time.
        """
        values = np.zeros(0) if self._memory is None else self._memory[: self._used].cpu().numpy().copy()
        counts, samples = np.array(self._entries, dtype=np.int64).reshape(-1, 2).T
        self._used, self._entries = 0, []
        return values, counts, samples
