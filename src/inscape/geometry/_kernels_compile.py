"""How kernels are compiled: cached on disk, without the interpreter lock, on plain arrays."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from numba import njit

_HERE = Path(__file__).parent
_SOURCES = sorted([*_HERE.glob("_kernels*.py"), *_HERE.glob("*_room.py")])
_STAMP = sha256(b"".join(source.read_bytes() for source in _SOURCES)).digest()
"""Kernels are merged into their callers in other files, so a cached one is good only while all of them are the same."""


def _compiler(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    def decorate(function: Callable[..., Any]) -> Any:
        try:
            kernel = njit(cache=True, nogil=True, error_model="numpy", **options)(function)
        except RuntimeError:  # no folder for the cache can be written: compile anew in every process
            kernel = njit(nogil=True, error_model="numpy", **options)(function)
        file = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
        if file is not None:  # numba itself stamps with the function's own file only
            file._source_stamp = _STAMP
            file._load_index = _forgiving(file._load_index)
        return kernel

    return decorate


def _forgiving(load: Callable[[], Any]) -> Callable[[], Any]:
    """An index that names types of another version of this package is an old one: compile anew."""

    def loaded() -> Any:
        try:
            return load()
        except (AttributeError, ImportError, EOFError, UnpicklingError):
            return {}

    return loaded


kernel = _compiler(_nrt=False)
"""Kernels that allocate nothing: without reference counting, whose atomic operations would dominate (16-fold)."""

small_kernel = _compiler(_nrt=False, forceinline=True)
"""The same, merged into its callers."""

allocating_kernel = _compiler()
"""Kernels that return new arrays."""
