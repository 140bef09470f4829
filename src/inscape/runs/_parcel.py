"""The shared value of a run: packed once, carried once to each worker, opened once in each process."""

import hashlib
import mmap
import os
import pickle
import struct
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

_KEPT = 4
"""Opened values that a process keeps: function and shared value of the run at hand, and of the one before."""

_ALIGNMENT = 64
_opened: OrderedDict[str, Any] = OrderedDict()
_lock = threading.Lock()


def pack(value: Any) -> bytes:
    """Pickle a value with its arrays beside the pickle, aligned, so that a mapped file serves them without a copy.

    Args:
        value: anything that can be pickled.

    Returns:
        The lengths of the parts, then the parts: the pickle, then each array's buffer.
    """
    import cloudpickle

    buffers: list[pickle.PickleBuffer] = []
    head = cloudpickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(head), *(buffer.raw() for buffer in buffers)]
    packed = bytearray(struct.pack(f"<{len(parts) + 1}Q", len(parts), *(part.nbytes for part in parts)))
    for part in parts:
        packed += bytes(-len(packed) % _ALIGNMENT)
        packed += part
    return bytes(packed)


def unpack(packed: Any) -> Any:
    """Open what :func:`pack` made.

    Args:
        packed: a writable buffer; arrays lie in it.

    Returns:
        The value.
    """
    view = memoryview(packed)
    (count,) = struct.unpack_from("<Q", view)
    lengths = struct.unpack_from(f"<{count}Q", view, 8)
    parts, place = [], 8 * (count + 1)
    for length in lengths:
        place += -place % _ALIGNMENT
        parts.append(view[place : place + length])
        place += length
    return pickle.loads(parts[0], buffers=parts[1:])


class Parcel:
    """A packed value: it can be weakly referenced and tells its true size, so that a cluster scatters it.

    Attributes:
        digest: SHA-256 of the content.
        path: the file that holds it, None if the parcel itself does.
    """

    __slots__ = ("__weakref__", "_data", "digest", "path")

    def __init__(self, data: bytes) -> None:
        self.digest = hashlib.sha256(data).hexdigest()
        self.path: Path | None = None
        self._data = data

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + len(self._data)

    def __reduce_ex__(self, protocol: Any) -> Any:  # a buffer of its own, which clusters carry without a copy
        data = pickle.PickleBuffer(self._data) if protocol >= 5 and self._data else self._data
        return _arrived, (self.digest, self.path, data)

    def into(self, folder: Path) -> None:
        """Put the content into a file named by its digest; from then on only the name travels."""
        self.path = folder / f"{self.digest}.parcel"
        self.path.write_bytes(self._data)
        self._data = b""

    def open(self) -> Any:
        """The value; opened at the first call in each process."""
        with _lock:
            if self.digest in _opened:
                _opened.move_to_end(self.digest)
            else:
                _opened[self.digest] = unpack(self._buffer())
                while len(_opened) > _KEPT:
                    _opened.popitem(last=False)
            return _opened[self.digest]

    def forget(self) -> None:
        """Drop the opened value in this process."""
        with _lock:
            _opened.pop(self.digest, None)

    def _buffer(self) -> Any:
        """A private, writable view: a copy-on-write map of the file, or a copy of the bytes."""
        if self.path is None:
            return bytearray(self._data)
        with self.path.open("rb") as handle:
            return mmap.mmap(handle.fileno(), os.fstat(handle.fileno()).st_size, access=mmap.ACCESS_COPY)


def _arrived(digest: str, path: Path | None, data: Any) -> Parcel:
    parcel = Parcel.__new__(Parcel)
    parcel.digest, parcel.path = digest, path
    parcel._data = data if isinstance(data, bytes) else bytes(data)
    return parcel
