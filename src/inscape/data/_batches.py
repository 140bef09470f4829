"""One shape for the argument ``data``: batches that can be walked through again."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from inscape._errors import DataError
from inscape.data._check import _tensor


class Batches:
    """Batches of ``(x, y)`` tensors; every ``for`` loop starts anew.

    Attributes:
        pair: the two whole tensors if the data came as such, else None.
        batch_size: samples per batch cut from ``pair``.
    """

    def __init__(self, data: Any, batch_size: int) -> None:
        self.batch_size = batch_size
        self.pair: tuple[torch.Tensor, torch.Tensor] | None = None
        self._source: Any = data
        if _is_pair(data):
            x, y = _tensor(data[0], "x"), _tensor(data[1], "y")
            if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
                raise DataError(
                    f"x has shape {tuple(x.shape)} and y has shape {tuple(y.shape)}; their first axes must be equal"
                )
            self.pair = (x, y)
        elif isinstance(data, Dataset):
            self._source = DataLoader(data, batch_size=batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        if self.pair is not None:
            yield from self.ordered(None)
            return
        number = 0
        for number, batch in enumerate(self._source, start=1):
            yield _checked(batch, number)
        if number == 0:
            raise DataError("the data gave no batch; they are empty, or an iterator that was used up before")

    def ordered(self, order: torch.Tensor | None) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Batches of the whole tensors in a given order.

        Args:
            order: (n,) indices; None for the order as it is.

        Yields:
            ``(x, y)`` of ``batch_size`` samples, the last one smaller. With an order, a single sample that would be
            left over joins the batch before it, because batch statistics of one sample are not defined.

        Raises:
            DataError: if the data did not come as tensors or are empty.
        """
        if self.pair is None:
            raise DataError("the order of batches is the iterable's own; give a pair of tensors to choose it")
        x, y = self.pair
        if len(x) == 0:
            raise DataError(f"the data set is empty: x has shape {tuple(x.shape)}")
        starts = list(range(0, len(x), self.batch_size))
        if order is not None and self.batch_size > 1 and len(starts) > 1 and starts[-1] == len(x) - 1:
            starts.pop()
        for start, stop in pairwise([*starts, len(x)]):
            rows: Any = slice(start, stop)
            if order is not None:
                rows = order[rows].to(x.device)
            yield x[rows], y[rows if isinstance(rows, slice) else rows.to(y.device)]


def _is_pair(data: Any) -> bool:
    arrays = torch.Tensor | np.ndarray
    return isinstance(data, tuple | list) and len(data) == 2 and all(isinstance(part, arrays) for part in data)


def _checked(batch: Any, number: int) -> tuple[torch.Tensor, torch.Tensor]:
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise DataError(f"batch {number} is a {type(batch).__name__}, expected a pair (x, y)")
    x, y = _tensor(batch[0], f"x of batch {number}"), _tensor(batch[1], f"y of batch {number}")
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y) or len(x) == 0:
        raise DataError(
            f"batch {number} has x of shape {tuple(x.shape)} and y of shape {tuple(y.shape)}; "
            "expected the same number of samples, one at least, along the first axis"
        )
    return x, y


def batches(data: Any, *, batch_size: int = 256, passes: int = 1) -> Batches:
    """Bring the argument ``data`` of any verb into one form.

    Args:
        data: a pair of tensors or arrays, a ``torch.utils.data.Dataset``, or an iterable of ``(x, y)`` batches.
        batch_size: samples per batch where the batches are cut here.
        passes: how often the verb walks through the data.

    Returns:
        Batches of tensors on the device where they were, in order.

    Raises:
        DataError: if the data are none of these, or an iterator that gives its batches once only and ``passes > 1``.

    Example:
        >>> [len(x) for x, y in batches((torch.zeros(5, 2), torch.zeros(5)), batch_size=2)]
        [2, 2, 1]
    """
    if batch_size < 1:
        raise DataError(f"expected batch_size ≥ 1, got {batch_size}")
    if isinstance(data, torch.Tensor | np.ndarray | str | bytes | dict):
        raise DataError(f"expected a pair (x, y) or an iterable of such batches, got a {type(data).__name__}")
    if not isinstance(data, Iterable | Dataset):
        raise DataError(f"expected a pair (x, y) or an iterable of such batches, got {type(data).__name__}")
    if passes > 1 and isinstance(data, Iterator):
        raise DataError(
            f"this walks through the data {passes} times, but a {type(data).__name__} gives its batches once only; "
            "write list(...) around it, or give a DataLoader or a pair of tensors"
        )
    return Batches(data, batch_size)
