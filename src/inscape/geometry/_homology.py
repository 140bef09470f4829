"""Homology of a complex over the two-element field, by coreductions and a small matrix."""

from itertools import pairwise

import numpy as np

from inscape.geometry._faces import Faces
from inscape.geometry._kernels_homology import coreduce, critical_boundary, transpose


def relative_betti_numbers(under: Faces, *, left_out: list[np.ndarray] | None = None) -> tuple[int, ...]:
    """Betti numbers of a complex, or of a complex relative to a part of it.

    Pairs of a face and its only remaining facet are taken out, one after the other, which changes no homology. A few
    critical faces are left; their boundaries along the paths of what was taken out make a small chain complex.

    Args:
        under: all faces.
        left_out: for each dimension, which faces belong to the part; it must be closed.

    Returns:
        The numbers for each dimension up to that of the top faces.

    Source:
        Mrozek and Batko (2009), Coreduction homology algorithm; Harker, Mischaikow, Mrozek and Nanda (2014), Discrete
        Morse theoretic algorithms for computing homology of complexes and maps.
    """
    kept = [np.ones(count, np.bool_) for count in under.counts] if left_out is None else [~out for out in left_out]
    base = np.concatenate([[0], np.cumsum([mask.sum() for mask in kept])])
    start, below = _joined(under, kept, base)
    count = int(base[-1])
    above_start, above = np.zeros(count + 1, np.int64), np.empty(len(below), np.int64)
    transpose(start, below, above_start, above)
    place, partner = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    coreduce((start, below), (above_start, above), np.diff(start), np.empty(count, np.int64), place, partner)
    ranks = _critical_ranks((start, below), place, partner, base)
    critical = [int((partner[low:high] < 0).sum()) for low, high in pairwise(base)]
    return tuple(n - rank - later for n, rank, later in zip(critical, ranks, [*ranks[1:], 0], strict=True))


def _joined(under: Faces, kept: list[np.ndarray], base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Facets of all kept faces, numbered by ascending dimension."""
    sizes, items = [np.zeros(int(kept[0].sum()), np.int64)], [np.zeros(0, np.int64)]
    for j, (start, below) in enumerate(zip(under.start, under.below, strict=True), start=1):
        number = np.cumsum(kept[j - 1]) - 1 + base[j - 1]
        alive = kept[j - 1][below] & np.repeat(kept[j], np.diff(start))
        total = np.concatenate([[0], np.cumsum(alive)])
        sizes.append(np.diff(total[start])[kept[j]])
        items.append(number[below[alive]])
    return np.concatenate([[0], np.cumsum(np.concatenate(sizes))]), np.concatenate(items)


def _critical_ranks(
    boundary: tuple[np.ndarray, np.ndarray], place: np.ndarray, partner: np.ndarray, base: np.ndarray
) -> list[int]:
    """Ranks of the boundary maps between the critical faces of each dimension and the one below."""
    count = len(place)
    at = np.empty(count, np.int64)
    at[place] = np.arange(count)
    scratch = (np.empty(count, np.int64), np.zeros(count, np.bool_), np.zeros(count, np.bool_))
    critical = [low + np.flatnonzero(partner[low:high] < 0) for low, high in pairwise(base)]
    ranks = [0]
    for lower, faces in pairwise(critical):
        out = np.empty(len(lower), np.int64)
        columns = []
        for face in faces if len(lower) else ():
            found = out[: critical_boundary(face, boundary, (place, at), partner, scratch, out)]
            columns.append(sum(1 << int(i) for i in np.searchsorted(lower, found)))
        ranks.append(_rank(columns))
    return ranks


def _rank(columns: list[int]) -> int:
    """Rank of a matrix over the two-element field, with whole numbers as columns of bits."""
    leading: dict[int, int] = {}
    for given in columns:
        column = given
        while column and (pivot := column.bit_length()) in leading:
            column ^= leading[pivot]
        if column:
            leading[column.bit_length()] = column
    return len(leading)
