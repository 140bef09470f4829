"""Fingerprints of values: the same content gives the same digits in every process, on every machine."""

import dataclasses
import inspect
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from hashlib import blake2b
from pathlib import PurePath
from typing import Any

import numpy as np

from inscape._errors import InputTypeError

_Write = Callable[[Any], None]


def fingerprint_value(value: Any) -> str:
    """Fingerprint a nesting of plain values, arrays, tensors, modules, results and functions.

    Unlike a pickle, it does not depend on memory addresses, on the order of sets, nor on the process. Of a result its
    provenance does not count, nor do gradients, mode, device and hooks of a module.

    Args:
        value: the value.

    Returns:
        32 hexadecimal digits.

    Raises:
        InputTypeError: if a part has a type without a fingerprint; says which and where.
    """
    digest = blake2b(digest_size=16)
    _walk(value, "shared", digest.update)
    return digest.hexdigest()


def write_module(module: Any, write: _Write) -> None:
    """Hash a module: its tree, then its parameters and buffers by name.

    Args:
        module: a ``torch.nn.Module``, not touched.
        write: takes the bytes.
    """
    for path, part in module.named_modules():
        kind = type(part)
        write(f"module {path} {kind.__module__}.{kind.__qualname__} {part.extra_repr()}\n".encode())
    for name, tensor in sorted([*module.named_parameters(), *module.named_buffers()], key=lambda pair: pair[0]):
        write(f"tensor {name} ".encode())
        write_tensor(tensor, write)


def write_tensor(tensor: Any, write: _Write) -> None:
    """Hash a tensor: dtype, shape, bits.

    Args:
        tensor: a ``torch.Tensor``, not touched.
        write: takes the bytes.
    """
    import torch

    write(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
    plain = tensor.detach().cpu().contiguous()
    if plain.dtype in (torch.float32, torch.float64) and plain.numel():
        write(plain.numpy())
    else:
        write(plain.reshape(-1).view(torch.uint8).numpy().data)


def _array(array: np.ndarray, path: str, write: _Write) -> None:
    if array.dtype.hasobject:
        raise InputTypeError(f"{path} is an array of Python objects, which has no fingerprint; give it a plain dtype")
    write(f"array {array.dtype.str}{array.shape}\n".encode())
    write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def _walk(value: Any, path: str, write: _Write) -> None:
    kind = type(value)
    if value is None or isinstance(value, bool | int | float | complex | str | bytes | np.generic | PurePath):
        write(f"{kind.__name__} {value!r}\n".encode())
    elif isinstance(value, Enum):
        write(f"enum {kind.__qualname__}.{value.name}\n".encode())
    elif isinstance(value, np.ndarray):
        _array(value, path, write)
    elif isinstance(value, Mapping):
        write(f"mapping {len(value)}\n".encode())
        for key, item in value.items():
            _walk(key, f"a key of {path}", write)
            _walk(item, f"{path}[{key!r}]", write)
    elif isinstance(value, list | tuple):
        write(f"{'list' if isinstance(value, list) else 'tuple'} {len(value)}\n".encode())
        for i, item in enumerate(value):
            _walk(item, f"{path}[{i}]", write)
    elif isinstance(value, set | frozenset):
        write(f"set {sorted(map(fingerprint_value, value))}\n".encode())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        _dataclass(value, path, write)
    else:
        _rest(value, path, write)


def _dataclass(value: Any, path: str, write: _Write) -> None:
    write(f"dataclass {type(value).__module__}.{type(value).__qualname__}\n".encode())
    for field in dataclasses.fields(value):
        if field.name != "provenance" and not field.metadata.get("transient"):
            write(f"field {field.name}\n".encode())
            _walk(getattr(value, field.name), f"{path}.{field.name}", write)


def _rest(value: Any, path: str, write: _Write) -> None:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.nn.Module):
        write_module(value, write)
    elif torch is not None and isinstance(value, torch.Tensor):
        write(b"tensor ")
        write_tensor(value, write)
    elif torch is not None and isinstance(value, torch.dtype | torch.device):
        write(f"{value!r}\n".encode())
    elif inspect.isfunction(value) or inspect.isclass(value):
        write(f"function {value.__module__}.{value.__qualname__}\n{_source(value, path)}".encode())
    else:
        raise InputTypeError(
            f"{path} is of type {type(value).__module__}.{type(value).__qualname__}, which has no fingerprint; "
            "with a ledger give modules, tensors, arrays, dataclasses, functions and plain values"
        )


def _source(value: Any, path: str) -> str:
    try:
        return inspect.getsource(value)
    except (OSError, TypeError) as error:
        raise InputTypeError(f"{path} is {value!r}, whose source cannot be read, so it has no fingerprint") from error
