"""Density of points on a window, by Gaussian kernels on a grid."""

import numpy as np

from inscape.geometry import Box, Plane

_REACH = 4.0
"""Bandwidths after which a kernel is cut off."""


def plane_density(points: np.ndarray, plane: Plane | Box, shape: tuple[int, int]) -> np.ndarray:
    r"""Kernel density of points at the centres of a grid's rectangles.

    The points are counted in the grid's rectangles and the counts are smoothed by a Gaussian of Scott's bandwidth
    :math:`s \, n^{-1/6}` on each axis, at least half a rectangle. A margin of four bandwidths around the window keeps
    the points outside from being lost.

    Args:
        points: (n, 2) chart coordinates.
        plane: the window.
        shape: (h, w) of the grid.

    Returns:
        (h, w) density of the points per square unit, row 0 at the low end of the second axis; its integral over the
        whole plane is 1. Empty (0, 0) without points.

    Source:
        Scott (1992), section 6.3.
    """
    from scipy.ndimage import gaussian_filter

    if not len(points):
        return np.zeros((0, 0))
    counts = np.array(shape[::-1])
    side = (plane.high - plane.low) / counts
    width = np.maximum(points.std(0) * len(points) ** (-1 / 6), side / 2) / side
    margin = np.minimum(np.ceil(_REACH * width).astype(np.int64), 4 * counts)
    edges = [plane.low[i] + side[i] * np.arange(-margin[i], counts[i] + margin[i] + 1) for i in range(2)]
    grid = np.histogram2d(points[:, 0], points[:, 1], bins=edges)[0].T / (len(points) * side.prod())
    smooth = gaussian_filter(grid, sigma=width[::-1], mode="constant", truncate=_REACH)
    return smooth[margin[1] : margin[1] + shape[0], margin[0] : margin[0] + shape[1]]
