"""Corners of flat polygons in space, brought in order."""

import numpy as np


def around(points: np.ndarray, offsets: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Sort the corners of convex polygons by their angle about the middle, counter-clockwise seen from the normal.

    Args:
        points: (p, 3) corners of all polygons.
        offsets: (s + 1,) polygon i has the corners points[offsets[i]:offsets[i + 1]].
        normals: (s, 3) unit normals.

    Returns:
        (p,) order of the corners; each polygon keeps its place.
    """
    if not len(points):
        return np.zeros(0, np.int64)
    sizes = np.diff(offsets)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    spoke = points - (np.add.reduceat(points, offsets[:-1]) / sizes[:, None])[owner]
    axis = np.eye(3)[np.abs(normals).argmin(1)]
    first = np.cross(normals, axis)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(normals, first)
    angle = np.arctan2((spoke * second[owner]).sum(1), (spoke * first[owner]).sum(1))
    return np.lexsort((angle, owner))
