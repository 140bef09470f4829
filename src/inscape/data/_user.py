"""The user's own files and factories."""

import gzip
import re
import tarfile
import zipfile
import zlib
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from inscape._errors import DataError, FileFormatError
from inscape.data._unpickle import read_pickle

_IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_SAMPLES = ("x", "X", "x_train", "X_train", "data", "images", "arr_0")
_LABELS = ("y", "Y", "y_train", "Y_train", "target", "labels", "arr_1")


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileFormatError(f"{path} is truncated or damaged ({error}); fetch it again") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; give the path of an existing file") from error


def _idx_array(path: Path) -> np.ndarray:
    content = _read(path)
    if len(content) < 4 or len(content) < 4 + 4 * content[3] or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES:
        raise FileFormatError(f"{path} is no idx file or is truncated (its first bytes are {content[:4]!r})")
    dtype, axes = np.dtype(_IDX_TYPES[content[2]]), content[3]
    start = 4 + 4 * axes
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], dtype=">u4"))
    expected = start + int(np.prod(shape, dtype=object)) * dtype.itemsize
    if len(content) != expected:
        raise FileFormatError(f"{path} says shape {shape}, which needs {expected} bytes, but has {len(content)}")
    return np.frombuffer(content, dtype=dtype, offset=start).reshape(shape)


def _beside(path: Path) -> Path:
    """The labels' file that belongs to an images' file by the usual names."""
    name = path.name
    swapped = re.sub(r"images", "labels", name)
    swapped = re.sub(r"idx3", "idx1", swapped)
    stems = {swapped, swapped.removesuffix(".gz"), swapped.removesuffix(".gz") + ".gz"}
    for candidate in sorted(stems - {name}):
        if path.with_name(candidate).is_file():
            return path.with_name(candidate)
    raise DataError(f"found no labels beside {path}: expected {swapped} there; name it with the option labels=PATH")


def _existing_idx(path: Path) -> Path:
    if path.is_dir():
        found = sorted(path.glob("train-images*")) or sorted(path.glob("*images*"))
        if not found:
            raise DataError(f"the folder {path} holds no file named like train-images-idx3-ubyte; give the file itself")
        return found[0]
    return path


def scaled(x: np.ndarray) -> np.ndarray:
    """Samples as float32; bytes are scaled to [0, 1], all other numbers are kept.

    Args:
        x: numeric array.

    Returns:
        A new float32 array of the same shape.

    Raises:
        DataError: if the array is not numeric.
    """
    if x.dtype == np.uint8:
        return x.astype(np.float32) / np.float32(255)
    if x.dtype.kind not in "biuf":
        raise DataError(f"expected samples that are numbers, got an array of type {x.dtype}")
    return x.astype(np.float32)


def idx(path: str, *, labels: str = "", flat: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels in the idx format of MNIST and Fashion-MNIST, plain or gzipped.

    Args:
        path: the images' file, or a folder that holds one.
        labels: the labels' file; by default the one beside it with ``labels`` for ``images`` and ``idx1`` for ``idx3``.
        flat: give vectors of pixels instead of images (1, height, width).

    Returns:
        Pixels (n, 1, height, width) or (n, pixels), bytes scaled to [0, 1], and labels (n,).

    Raises:
        DataError: if a file is missing.
    """
    source = _existing_idx(Path(path).expanduser())
    if not source.is_file():
        raise DataError(f"there is no file {source}; write idx:PATH with the path of the images' file")
    x = _idx_array(source)
    y = _idx_array(Path(labels).expanduser() if labels else _beside(source))
    x = scaled(x)
    if flat:
        x = x.reshape(len(x), -1)
    elif x.ndim == 3:
        x = x[:, None]
    return x, y


def _pick(names: list[str], wanted: str, usual: tuple[str, ...], path: str, option: str) -> str:
    if wanted:
        if wanted not in names:
            raise DataError(f"{path} has no array {wanted!r}; it has {', '.join(names)}")
        return wanted
    found = [name for name in usual if name in names]
    if not found:
        raise DataError(f"{path} has arrays {', '.join(names) or '(none)'}; say which with the option {option}=NAME")
    return found[0]


def npz(path: str, *, samples: str = "", labels: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Arrays of a numpy ``.npz`` file; pickled objects in it are refused.

    Args:
        path: the file.
        samples: name of the samples' array; by default ``x``, ``X``, ``x_train``, ``data``, ``images`` or the first.
        labels: name of the labels' array; by default ``y``, ``Y``, ``y_train``, ``target``, ``labels`` or the second.

    Returns:
        Samples as float32 (bytes scaled to [0, 1]) and labels.

    Raises:
        DataError: if the file is missing or lacks the arrays.
        FileFormatError: if it is no npz file, is damaged or holds objects.
    """
    source = Path(path).expanduser()
    if not source.is_file():
        raise DataError(f"there is no file {source}; write npz:PATH with the path of an .npz file")
    try:
        with source.open("rb") as handle:
            archive = np.load(handle, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise FileFormatError(
                    f"{source} holds one bare array (.npy); save both with numpy.savez(path, x=x, y=y)"
                )
            arrays = list(archive.files)
            x = archive[_pick(arrays, samples, _SAMPLES, str(source), "samples")]
            y = archive[_pick(arrays, labels, _LABELS, str(source), "labels")]
    except (FileFormatError, DataError):
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise FileFormatError(f"{source} is damaged, no npz file or holds objects: {error}") from error
    return scaled(x), y


def _cifar_members(path: Path, part: str) -> list[tuple[str, bytes]]:
    wanted = re.compile(r"data_batch_\d+$|train$" if part == "train" else r"test_batch$|test$")
    if path.is_dir():
        return [(str(file), _read(file)) for file in sorted(path.rglob("*")) if wanted.fullmatch(file.name)]
    if not path.is_file():
        raise DataError(f"there is no file or folder {path}; write cifar:PATH with the folder cifar-10-batches-py")
    if not tarfile.is_tarfile(path):
        return [(str(path), _read(path))]
    with tarfile.open(path) as archive:
        members = sorted((m for m in archive if m.isfile()), key=lambda m: m.name)
        chosen = [m for m in members if wanted.fullmatch(Path(m.name).name)]
        return [(f"{path}/{m.name}", handle.read()) for m in chosen if (handle := archive.extractfile(m))]


def cifar(path: str, *, part: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """CIFAR-10 or CIFAR-100 in its Python version; the pickles may hold arrays and plain containers only.

    Args:
        path: the unpacked folder, the ``.tar.gz`` archive, or one batch file.
        part: ``"train"`` or ``"test"``; a single batch file is read whatever its name.

    Returns:
        Pixels (n, 3, 32, 32) in [0, 1] and labels (n,) (fine labels for CIFAR-100).

    Raises:
        DataError: if nothing is found or ``part`` is unknown.
        FileFormatError: if a file holds something else.
    """
    if part not in {"train", "test"}:
        raise DataError(f"expected part='train' or 'test', got {part!r}")
    try:
        members = _cifar_members(Path(path).expanduser(), part)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise FileFormatError(f"{path} is a damaged archive ({error}); fetch it again") from error
    if not members:
        raise DataError(f"{path} holds no {part} batch of CIFAR (Python version); expected data_batch_1 or the like")
    images, labels = [], []
    for name, content in members:
        batch = read_pickle(content, name)
        x, y = _cifar_batch(batch, name)
        images.append(x)
        labels.append(y)
    return scaled(np.concatenate(images)), np.concatenate(labels)


def _cifar_batch(batch: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(batch, dict):
        named = {key.decode() if isinstance(key, bytes) else key: value for key, value in batch.items()}
        x, y = named.get("data"), named.get("labels", named.get("fine_labels"))
        if isinstance(x, np.ndarray) and x.dtype == np.uint8 and x.ndim == 2 and x.shape[1] == 3072 and y is not None:
            return x.reshape(-1, 3, 32, 32), np.asarray(y)
    raise FileFormatError(f"{name} is no batch of CIFAR: expected a dictionary with data (n, 3072) and labels")


def factory(path: str) -> tuple[Any, Any]:
    """Call the user's own function, which must return samples and labels.

    Args:
        path: ``package.module:function``; the module is imported, so give only code that you trust.

    Returns:
        What the function returns, arrays or tensors.

    Raises:
        DataError: if the module or function is missing or returns something else.
        ModuleNotFoundError: if the module is there and fails to import one that it needs.
    """
    module, name = path.split(":")
    try:
        made = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module == error.name or module.startswith(error.name + ".")):
            raise
        raise DataError(
            f"there is no module {module!r} to import for the data {path!r}; is its folder on the path?"
        ) from error
    except AttributeError as error:
        raise DataError(f"module {module!r} has no function {name!r}, which the data {path!r} ask for") from error
    if not callable(made):
        raise DataError(f"{path} is no function, but a {type(made).__name__}")
    pair = made()
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise DataError(f"{path}() must return a pair (x, y), it returned {type(pair).__name__}")
    return pair[0], pair[1]
