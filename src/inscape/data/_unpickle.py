"""Pickles of numeric arrays, read without trusting them.

The only names that a file may mention are those by which numpy writes a plain numeric array; each stands for a small
class of this module, so no code of a file, of a package or of numpy itself runs on the file's say-so.
"""

import pickle
import re
from io import BytesIO
from typing import Any

import numpy as np

from inscape._errors import FileFormatError

_NUMERIC = re.compile(r"[biuf][1248]")


class _Dtype:
    """Stands for ``numpy.dtype`` and accepts fixed-width numbers only."""

    def __init__(self, code: object, *_: object) -> None:
        text = code.decode("ascii", "replace") if isinstance(code, bytes) else code
        if not isinstance(text, str) or not _NUMERIC.fullmatch(text):
            raise pickle.UnpicklingError(f"arrays of type {text!r}")
        self.code = text

    def __setstate__(self, state: Any) -> None:
        order = state[1].decode("ascii", "replace") if isinstance(state[1], bytes) else state[1]
        if order not in {"<", ">", "|", "="} or any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError("structured arrays")
        self.code = order + self.code

    def build(self) -> np.dtype[Any]:
        return np.dtype(self.code)


class _Array:
    """Stands for ``numpy.ndarray``; holds its content once the state has been read."""

    value: np.ndarray

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, raw = state
        self.value = _array(raw, dtype, shape, "F" if fortran else "C")


def _array(raw: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    if not isinstance(raw, bytes | bytearray) or not isinstance(dtype, _Dtype):
        raise pickle.UnpicklingError("arrays of objects")
    return np.frombuffer(raw, dtype=dtype.build()).reshape(shape, order="F" if order == "F" else "C")


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _from_buffer(raw: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    made = _Array()
    made.value = _array(raw, dtype, shape, order)
    return made


def _encode(text: Any, codec: Any) -> bytes:
    if codec != "latin1" or not isinstance(text, str):
        raise pickle.UnpicklingError(f"text in the encoding {codec!r}")
    return text.encode("latin1")


def _no_bytes(*arguments: object) -> bytes:
    if arguments:
        raise pickle.UnpicklingError("bytes built from something")
    return b""


_NAMES: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
}
for _builtin in ("builtins", "__builtin__"):  # how empty bytes are written for Python 2
    _NAMES[(_builtin, "bytes")] = _no_bytes
for _core in ("numpy.core", "numpy._core"):
    _NAMES[(f"{_core}.multiarray", "_reconstruct")] = _reconstruct
    _NAMES[(f"{_core}.numeric", "_frombuffer")] = _from_buffer


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _NAMES:
            return _NAMES[(module, name)]
        raise pickle.UnpicklingError(f"the name {module}.{name}")


def _plain(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    return value


def read_pickle(content: bytes, name: str) -> Any:
    """Read a pickle that holds numeric arrays, numbers, texts and built-in containers, and nothing else.

    Args:
        content: bytes of the pickle.
        name: what to call the file in an error.

    Returns:
        The content; arrays are read-only numpy arrays, texts of Python 2 come as bytes.

    Raises:
        FileFormatError: if the pickle is damaged or names anything else.
    """
    try:
        return _plain(_Reader(BytesIO(content), encoding="bytes").load())
    except pickle.UnpicklingError as error:
        raise FileFormatError(
            f"{name} is a pickle with more in it than numeric arrays and plain containers ({error}); "
            "it was not opened further. Save the arrays with numpy.savez and give npz:PATH"
        ) from error
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise FileFormatError(f"{name} is a damaged pickle ({error}); fetch the file again") from error
