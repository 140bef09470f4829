"""One pass over the pre-activations of a batch, in place of one for each sum."""

import numpy as np
from numba import njit

RELU, TANH, SIGMOID = 0, 1, 2

_ROWS = 64
"""Rows that are summed in the values' own precision before they go into double precision."""


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def unit_sums(z, y, kind, level):
    """Mean, variance, sum of slopes, of their squares and of large ones, of each column of (rows, units) arrays.

    Values are taken relative to the first row before they are squared, so that nothing cancels. The sums stand in
    arrays of their own, since the compiler works on several units at once only where it knows that they do not overlap.
    """
    rows, units = z.shape
    origin = z[0].copy()
    found = np.zeros((5, units))
    for begin in range(0, rows, _ROWS):
        shifted, squares = np.zeros(units, z.dtype), np.zeros(units, z.dtype)
        slopes, slope_squares, large = np.zeros(units, z.dtype), np.zeros(units, z.dtype), np.zeros(units, z.dtype)
        one, none, limit = z.dtype.type(1.0), z.dtype.type(0.0), z.dtype.type(level)
        for i in range(begin, min(begin + _ROWS, rows)):
            row = z[i]
            for j in range(units):
                centred = row[j] - origin[j]
                shifted[j] += centred
                squares[j] += centred * centred
            if kind == RELU:
                for j in range(units):
                    large[j] += one if row[j] > 0 else none
            else:
                output = y[i]
                for j in range(units):
                    value = output[j]
                    slope = one - value * value if kind == TANH else value - value * value
                    slopes[j] += slope
                    slope_squares[j] += slope * slope
                    large[j] += one if slope >= limit else none
        for j in range(units):
            found[0, j] += shifted[j]
            found[1, j] += squares[j]
            found[2, j] += slopes[j]
            found[3, j] += slope_squares[j]
            found[4, j] += large[j]
    for j in range(units):
        mean = found[0, j] / rows
        found[0, j] = origin[j] + mean
        found[1, j] = max(found[1, j] / rows - mean * mean, 0.0)
        if kind == RELU:
            found[2, j] = found[4, j]
            found[3, j] = found[4, j]
    return found
