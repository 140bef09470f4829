"""What the kernels of edge subdivision work on, and what all of them ask of it."""

from typing import NamedTuple

import numpy as np

from inscape.geometry._kernels_compile import small_kernel
from inscape.geometry._kernels_edges import lowest

_ZERO = np.uint64(0)
_CLEAR = 50.0
"""How far a value has to exceed its error for a slope to be read from it."""
_HARDLY = 1e-200

VERTICES, EDGES, NEXT, EPOCH, SUSPECTS, DEPTH, FLAT, STATES = range(8)
"""What the numbers of the running state count; FLAT are edges of which rounding hides the lower end."""

DONE, GROW, NOT_GENERIC = range(3)
"""Why a kernel returns."""


class Points(NamedTuple):
    """Room for vertices."""

    t: np.ndarray
    """(V, d) chart coordinates."""
    radius: np.ndarray
    """(V,) bound on the distance from the exact vertex."""
    height: np.ndarray
    """(V,) a linear function of the coordinates."""
    label: np.ndarray
    """(V, d) predicates that vanish there, ascending; walls are negative."""
    pos: np.ndarray
    """(V, words) bits of the positive predicates, of all batches."""
    neg: np.ndarray
    """(V,) bits of the negative predicates of the current batch."""
    mix: np.ndarray
    """(V, 2) vertices between which it was interpolated."""
    s: np.ndarray
    """(V,) where between them."""
    depth: np.ndarray
    """(V,) how many interpolations lie behind it."""
    past: np.ndarray
    """(V, labels) values of the predicates of earlier batches, in single precision: for slopes only."""
    crossed: np.ndarray
    """(V,) bits of those predicates of the batch whose signs were new when the vertex was made."""


class Lines(NamedTuple):
    """Room for edges."""

    ends: np.ndarray
    """(E, 2) vertices, the lower one first."""
    label: np.ndarray
    """(E, d - 1) predicates on which it lies, ascending."""
    name: np.ndarray
    """(E,) its name without the current batch."""
    following: np.ndarray
    """(E,) next edge that the same predicate cuts first, -1 for none."""


class Batch(NamedTuple):
    """Up to 64 predicates of one step."""

    z: np.ndarray
    """(V, n) their values at the vertices."""
    error: np.ndarray
    """(labels,) bound on the evaluation error of every predicate so far."""
    drift: np.ndarray
    """(labels,) what each interpolation adds to it."""
    slope: np.ndarray
    """(labels,) bound on the slope per chart unit."""
    first: np.ndarray
    """(n,) first edge that each predicate cuts before any other of the batch, -1 for none."""
    count: np.ndarray
    """(n,) length of that list."""
    norm: float
    """Slope of the heights."""
    base: int
    """Label of the first predicate."""
    word: int
    """Which word of bits the batch fills."""


class Names(NamedTuple):
    """Random words, and the table through which 2-faces find their second cut."""

    word: np.ndarray
    """(labels + 2 d, 2) random words of each predicate and sign; the walls come first."""
    slots: np.ndarray
    """(size, 2) name of a 2-face; number of the predicate's pass and the vertex seen."""
    suspects: np.ndarray
    """(m, 2) vertices and predicates whose signs are within rounding of zero."""


@small_kernel
def error(points, batch, v, label):
    """Bound on the evaluation error of a predicate at a vertex."""
    return batch.error[label] + points.depth[v] * batch.drift[label]


@small_kernel
def check(points, batch, names, state, v, p):
    """Put down a sign that is within rounding of zero."""
    label = batch.base + p
    if abs(batch.z[v, p]) <= error(points, batch, v, label) + batch.slope[label] * points.radius[v]:
        k = state[SUSPECTS]
        if k < names.suspects.shape[0]:
            names.suspects[k, 0] = v
            names.suspects[k, 1] = label
        state[SUSPECTS] = k + 1


@small_kernel
def leap(points, batch, far, label):
    """Absolute value of a predicate at the far end of an edge that leaves it; next to nothing if it is hardly known."""
    z = batch.z[far, label - batch.base] if label >= batch.base else np.float64(points.past[far, label])
    return abs(z) if abs(z) > _CLEAR * error(points, batch, far, label) else _HARDLY


@small_kernel
def enlist(points, lines, batch, e):
    """Put an edge on the list of the first predicate that cuts it."""
    a, b, w = lines.ends[e, 0], lines.ends[e, 1], batch.word
    x = (points.pos[a, w] & points.neg[b]) | (points.neg[a] & points.pos[b, w])
    if x != _ZERO:
        p = lowest(x)
        lines.following[e] = batch.first[p]
        batch.first[p] = e
        batch.count[p] += 1
