"""How kernels are compiled: cached on disk, without the interpreter lock, on plain arrays."""

from numba import njit

kernel = njit(cache=True, nogil=True, _nrt=False)
"""Kernels that allocate nothing: without reference counting, whose atomic operations would dominate (16-fold)."""

small_kernel = njit(cache=True, nogil=True, _nrt=False, forceinline=True)
"""The same, merged into its callers."""

allocating_kernel = njit(cache=True, nogil=True)
"""Kernels that return new arrays."""
