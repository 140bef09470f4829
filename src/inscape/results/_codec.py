"""Results as files: arrays in an npz archive, everything else as a JSON header; nothing is pickled."""

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from inscape._errors import FileFormatError, InputTypeError, OutputError

FORMAT = "inscape-result"
SCHEMA = 1
_HEADER = "header"
_ARRAY, _TYPE, _ENUM = "$array", "$type", "$enum"

_TYPES = {
    "Status": "inscape.results:Status",
    "Verdict": "inscape.results:Verdict",
    "Provenance": "inscape.results:Provenance",
    "Box": "inscape.geometry:Box",
    "Segment": "inscape.geometry:Segment",
    "Plane": "inscape.geometry:Plane",
    "Elementwise": "inscape.geometry:Elementwise",
    "Maximum": "inscape.geometry:Maximum",
    "Sort": "inscape.geometry:Sort",
    "Level": "inscape.geometry:Level",
    "Complex": "inscape.geometry:Complex",
}
"""The only types that a file may name; a name from a file is never imported."""

_KINDS = {
    "partition": "inscape.regions:Partition",
    "boundary": "inscape.regions:Boundary",
    "prediction-map": "inscape.maps:PredictionMap",
    "history": "inscape.training:History",
}
"""Kinds of result that can be loaded, and where their class lives."""


def _resolve(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)


def _encode(value: Any, arrays: dict[str, np.ndarray], path: str) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise InputTypeError(f"cannot save {path}: an array of Python objects")
        arrays[path] = value
        return {_ARRAY: path}
    if isinstance(value, Enum):
        return {_ENUM: type(value).__name__, "name": value.name}
    if is_dataclass(value) and not isinstance(value, type):
        name = type(value).__name__
        if name not in _TYPES:
            raise InputTypeError(f"cannot save {path}: values of type {name} have no file form")
        content = {f.name: _encode(getattr(value, f.name), arrays, f"{path}.{f.name}") for f in fields(value)}
        return {_TYPE: name, "fields": content}
    if isinstance(value, Mapping):
        return {str(key): _encode(item, arrays, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(item, arrays, f"{path}.{i}") for i, item in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InputTypeError(f"cannot save {path}: values of type {type(value).__name__} have no file form")


def _build(name: str, content: dict[str, Any]) -> Any:
    cls = _resolve(_TYPES[name])
    made = object.__new__(cls)
    for f in fields(cls):
        object.__setattr__(made, f.name, content[f.name])
    return made


def _decode(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return tuple(_decode(item, arrays) for item in value)
    if not isinstance(value, dict):
        return value
    if _ARRAY in value:
        return arrays[value[_ARRAY]]
    if _ENUM in value:
        return _resolve(_TYPES[value[_ENUM]])[value["name"]]
    if _TYPE in value:
        return _build(value[_TYPE], {key: _decode(item, arrays) for key, item in value["fields"].items()})
    return {key: _decode(item, arrays) for key, item in value.items()}


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def write(path: str | Path, kind: str, schema: int, state: Mapping[str, Any]) -> Path:
    """Write a result's state atomically: the file is whole or not there.

    Args:
        path: target; ``.npz`` is added if missing.
        kind: kind of result, a key of the closed table.
        schema: version of that kind's state.
        state: field name → array, JSON value, or nesting of these.

    Returns:
        The path written.

    Raises:
        OutputError: if the folder cannot be written; an older file stays as it was.
    """
    target = Path(path)
    if target.suffix != ".npz":
        target = target.with_name(target.name + ".npz")
    arrays: dict[str, np.ndarray] = {}
    encoded = {key: _encode(value, arrays, key) for key, value in state.items()}
    header = {
        "format": FORMAT,
        "schema": SCHEMA,
        "kind": kind,
        "kind_schema": schema,
        "state": encoded,
        "sha256": {name: _digest(array) for name, array in arrays.items()},
    }
    text = json.dumps(header, allow_nan=True, sort_keys=True).encode()
    payload = {_HEADER: np.frombuffer(text, dtype=np.uint8)} | {f"a/{name}": a for name, a in arrays.items()}
    _replace(target, payload)
    return target


def _replace(target: Path, payload: dict[str, np.ndarray]) -> None:
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as handle:
            temporary = handle.name
            np.savez_compressed(handle, allow_pickle=False, **payload)
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise OutputError(f"cannot write {target}: {error.strerror or error}; choose another folder") from error
    except BaseException:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise


def _header(path: Path, archive: Any) -> dict[str, Any]:
    if _HEADER not in archive.files:
        raise FileFormatError(f"{path} is an npz file, but not one that this library wrote (no header)")
    try:
        header = json.loads(archive[_HEADER].tobytes().decode())
    except ValueError as error:
        raise FileFormatError(f"{path} has a damaged header; write the result again") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise FileFormatError(f"{path} is an npz file, but not one that this library wrote")
    if header["schema"] > SCHEMA:
        raise FileFormatError(
            f"{path} has file schema {header['schema']}, this version reads up to {SCHEMA}; update inscape"
        )
    return header


def read(path: str | Path) -> tuple[type, dict[str, Any]]:
    """Read a result's class and state, checking format, versions and content.

    Args:
        path: a file written by :func:`write`.

    Returns:
        The class from the closed table and the decoded state.

    Raises:
        FileFormatError: if the file is missing, truncated, foreign, tampered with or newer.
    """
    source = Path(path)
    if not source.is_file():
        raise FileFormatError(f"there is no file {source}")
    try:
        with np.load(source, allow_pickle=False) as archive:
            header = _header(source, archive)
            arrays = {name[2:]: archive[name] for name in archive.files if name.startswith("a/")}
    except FileFormatError:
        raise
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise FileFormatError(f"{source} is truncated, damaged or no result file: {error}") from error
    digests = header.get("sha256", {})
    if set(digests) != set(arrays) or any(_digest(a) != digests[name] for name, a in arrays.items()):
        raise FileFormatError(f"{source} was changed after it was written: its arrays do not match the header")
    kind = header.get("kind")
    if kind not in _KINDS:
        raise FileFormatError(f"{source} holds a result of unknown kind {kind!r}; known: {', '.join(sorted(_KINDS))}")
    cls = _resolve(_KINDS[kind])
    if header["kind_schema"] > cls.schema:
        raise FileFormatError(
            f"{source} holds {kind} schema {header['kind_schema']}, "
            f"this version reads up to {cls.schema}; update inscape"
        )
    try:
        return cls, _decode(header["state"], arrays)
    except (KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(f"{source} lacks or misnames a part: {error}") from error
