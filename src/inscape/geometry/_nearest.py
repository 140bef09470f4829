"""The point of a polytope that is nearest to a given one, by non-negative least squares."""

import numpy as np


def nearest_point(normals: np.ndarray, offsets: np.ndarray, x: np.ndarray, *, on: int = -1) -> np.ndarray | None:
    r"""The point of :math:`\{y : A y \le b\}` that is nearest to x in the Euclidean norm.

    With :math:`y = x + z` it is the least z with :math:`G z \ge h`, :math:`G = -A`, :math:`h = A x - b`. If u ≥ 0
    minimises :math:`\|E u - e_{d+1}\|` for the matrix E of rows :math:`G^T, h^T`, and r is the rest, then
    :math:`z_j = -r_j / r_{d+1}`.

    Args:
        normals: (m, d) unit normals A.
        offsets: (m,) right-hand sides b.
        x: (d,) point.
        on: a row that is to hold with equality, -1 for none: the nearest point of a facet.

    Returns:
        (d,) the nearest point, None if the solver found none.

    Example:
        >>> nearest_point(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1.0, 1.0]), np.array([4.0, 5.0])).round(9)
        array([1., 1.])

    Source:
        Lawson and Hanson (1974), Solving Least Squares Problems, chapter 23 (LDP).
    """
    from scipy.optimize import nnls

    gap = normals @ x - offsets
    if on < 0 and (gap <= 0).all():
        return x.copy()
    scale = float(np.abs(gap[on]) if on >= 0 else gap.max()) or 1.0
    rows, sides = -normals, gap / scale
    if on >= 0:
        rows, sides = np.vstack([rows, normals[on]]), np.append(sides, -sides[on])
    table = np.vstack([rows.T, sides])
    target = np.eye(len(table))[-1]
    try:
        weights, _ = nnls(table, target)
    except RuntimeError:
        return None
    rest = table @ weights - target
    if -rest[-1] <= 1e-14:
        return None
    return x + scale * (-rest[:-1] / rest[-1])
