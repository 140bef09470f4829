"""Sets of activation patterns, as sorted hashes: what two moments of a network have in common."""

import numpy as np

from inscape.regions._partition import Partition

_NUMBERS = 1 << 22
"""Numbers of activation patterns that are held at once."""


def pattern_keys(cells: Partition) -> tuple[np.ndarray, int]:
    """Hash the activation patterns of a partition.

    Two different patterns share a hash with a chance of one in 2**64.

    Args:
        cells: the partition.

    Returns:
        Sorted 64-bit hashes, each once, and the number of predicates in a pattern.
    """
    width = cells.patterns(np.zeros(0, np.int64)).shape[1]
    rng = np.random.default_rng(0x7AC3)
    odd = rng.integers(0, 2**63, size=width, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    size = max(1, _NUMBERS // max(width, 1))
    chunks = [np.arange(i, min(i + size, cells.cell_count)) for i in range(0, cells.cell_count, size)]
    keys = [cells.patterns(chunk).astype(np.uint64) @ odd for chunk in chunks]
    return np.unique(np.concatenate([np.zeros(0, np.uint64), *keys])), width


def missing(keys: np.ndarray, among: np.ndarray) -> int:
    """How many patterns are not among others.

    Args:
        keys: sorted hashes, each once.
        among: the others, likewise.

    Returns:
        The number.

    Example:
        >>> missing(np.array([1, 2, 3]), np.array([2]))
        2
    """
    return len(np.setdiff1d(keys, among, assume_unique=True))
