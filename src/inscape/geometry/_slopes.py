"""Exact slopes of a piecewise-affine function: operator norms of its affine maps."""

import numpy as np

from inscape._errors import InputError

Norm = float | int | str


def operator_norms(maps: np.ndarray, norm: Norm = 2) -> np.ndarray:
    r"""Norms of matrices as maps from a space with a p-norm to a space with the same p-norm.

    .. math:: \|A\|_1 = \max_j \sum_i |a_{ij}|, \quad \|A\|_2 = \sigma_{\max}(A), \quad
        \|A\|_\infty = \max_i \sum_j |a_{ij}|

    Args:
        maps: (c, outputs, inputs) matrices.
        norm: 1, 2 or infinity (``math.inf`` or ``"inf"``).

    Returns:
        (c,) norms.

    Raises:
        InputError: if the norm is none of these.

    Example:
        >>> operator_norms(np.array([[[3.0, 4.0]]])).tolist()
        [5.0]
    """
    if norm in (2, 2.0, "2"):
        return _spectral(maps)
    if norm in (1, 1.0, "1"):
        return np.abs(maps).sum(1).max(1)
    if norm in (np.inf, "inf"):
        return np.abs(maps).sum(2).max(1)
    raise InputError(f"expected norm to be 1, 2 or inf, got {norm!r}")


def _spectral(maps: np.ndarray) -> np.ndarray:
    if maps.shape[1] == 1 or maps.shape[2] == 1:
        return np.sqrt(np.square(maps).sum((1, 2)))
    small = np.einsum("coi,coj->cij", maps, maps) if maps.shape[2] <= maps.shape[1] else None
    gram = small if small is not None else np.einsum("cik,cjk->cij", maps, maps)
    if gram.shape[1] == 2:
        trace, det = gram[:, 0, 0] + gram[:, 1, 1], gram[:, 0, 0] - gram[:, 1, 1]
        return np.sqrt((trace + np.hypot(det, 2 * gram[:, 0, 1])) / 2)
    return np.linalg.norm(maps, ord=2, axis=(1, 2))
