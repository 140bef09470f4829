"""Which rows of a table are equal but for rounding."""

import numpy as np


def number_equal_rows(rows: np.ndarray, gap: float) -> np.ndarray:
    """Give equal rows the same number.

    In every column the values are sorted and cut where two neighbours lie further apart than ``gap``; rows whose
    entries all fall into the same pieces are equal. Rounding to multiples of a unit would part two values that lie
    close together on both sides of a limit.

    Args:
        rows: (c, n) table.
        gap: largest difference of neighbouring values that counts as rounding.

    Returns:
        (c,) numbers from 0.

    Example:
        >>> number_equal_rows(np.array([[1.0], [2.0], [1.0 + 1e-15]]), 1e-9).tolist()
        [0, 1, 0]
    """
    pieces = np.zeros(rows.shape, np.int64)
    for k in range(rows.shape[1]):
        order = np.argsort(rows[:, k], kind="stable")
        pieces[order[1:], k] = np.cumsum(np.diff(rows[order, k]) > gap)
    return np.unique(pieces, axis=0, return_inverse=True)[1].ravel()
