"""Results as files: arrays in an npz archive, everything else as a JSON header; nothing is pickled."""

import hashlib
import io
import json
import os
import re
import secrets
import zipfile
import zlib
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
_PARTS = {"kind": str, "kind_schema": int, "state": dict, "sha256": dict, "seal": str}
_BROKEN = (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged archive can raise."""

_TYPES = {
    "Status": "inscape.results:Status",
    "Verdict": "inscape.results:Verdict",
    "Provenance": "inscape.results:Provenance",
    "Box": "inscape.geometry:Box",
    "Segment": "inscape.geometry:Segment",
    "Plane": "inscape.geometry:Plane",
    "Slice": "inscape.geometry:Slice",
    "Elementwise": "inscape.geometry:Elementwise",
    "Maximum": "inscape.geometry:Maximum",
    "Sort": "inscape.geometry:Sort",
    "Level": "inscape.geometry:Level",
    "Complex": "inscape.geometry:Complex",
    "Polytopes": "inscape.geometry:Polytopes",
    "Step": "inscape.geometry:Step",
    "Splitting": "inscape.geometry:Splitting",
    "Stage": "inscape.geometry:Stage",
    "Frame": "inscape.regions:Frame",
    "PatternCode": "inscape.regions._pattern_code:PatternCode",
    "Richness": "inscape.regions.counting:Richness",
    "Budget": "inscape.gradients:Budget",
    "GradientVerdict": "inscape.gradients:GradientVerdict",
    "Cause": "inscape.gradients:Cause",
    "InitialAudit": "inscape.gradients:InitialAudit",
}
"""The only types that a file may name; a name from a file is never imported."""

_KINDS = {
    "partition": "inscape.regions:Partition",
    "partition-block": "inscape.regions:PartitionBlock",
    "boundary": "inscape.regions:Boundary",
    "slopes": "inscape.regions:Slopes",
    "exploration": "inscape.regions:Exploration",
    "distance": "inscape.regions:Distance",
    "audit": "inscape.regions:Audit",
    "built": "inscape.regions:Built",
    "built-check": "inscape.regions:BuiltCheck",
    "track": "inscape.regions:Track",
    "unit-slabs": "inscape.gradients:UnitSlabs",
    "support": "inscape.gradients:Support",
    "slab-map": "inscape.gradients:SlabMap",
    "gradient-track": "inscape.gradients:GradientTrack",
    "advice": "inscape.gradients:Advice",
    "calibration": "inscape.gradients:Calibration",
    "prediction-map": "inscape.maps:PredictionMap",
    "gradient-budget": "inscape.gradients:Budget",
    "gradient-diagnosis": "inscape.gradients:Diagnosis",
    "gradient-audit": "inscape.gradients:InitialAudit",
    "gradient-field": "inscape.gradients:Field",
    "contributions": "inscape.gradients:Contributions",
    "history": "inscape.training:History",
    "fault-score": "inscape.testing.faults:Score",
}
"""Kinds of result that can be loaded, and where their class lives."""


def _resolve(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)


def _encode(value: Any, arrays: dict[str, np.ndarray], path: str) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise InputTypeError(f"cannot save {path}: an array of Python objects")
        name = path if re.fullmatch(r"[A-Za-z0-9_.]+", path) and path not in arrays else f"#{len(arrays)}"
        arrays[name] = value
        return {_ARRAY: name}
    if isinstance(value, Enum):
        return {_ENUM: type(value).__name__, "name": value.name}
    if is_dataclass(value) and not isinstance(value, type):
        name = type(value).__name__
        if name not in _TYPES:
            raise InputTypeError(f"cannot save {path}: values of type {name} have no file form")
        content = {f.name: _encode(getattr(value, f.name), arrays, f"{path}.{f.name}") for f in fields(value)}
        return {_TYPE: name, "fields": content}
    if isinstance(value, Mapping):
        if any(str(key).startswith("$") for key in value):
            raise InputTypeError(f"cannot save {path}: a key begins with '$', which the file form uses itself")
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


def _seal(header: Mapping[str, Any]) -> str:
    content = {key: value for key, value in header.items() if key != "seal"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _payload(kind: str, schema: int, state: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Members of the archive: the sealed header, and the arrays."""
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
    header["seal"] = _seal(header)
    text = json.dumps(header).encode()
    return {_HEADER: np.frombuffer(text, dtype=np.uint8)} | {f"a/{name}": a for name, a in arrays.items()}


def pack(kind: str, schema: int, state: Mapping[str, Any]) -> bytes:
    """The same archive as :func:`write` makes, in memory and not compressed; equal states give equal bytes.

    Args:
        kind: kind of result.
        schema: version of that kind's state.
        state: field name → array, JSON value, or nesting of these.

    Returns:
        The bytes of an ``.npz`` file.
    """
    target = io.BytesIO()
    np.savez(target, allow_pickle=False, **_payload(kind, schema, state))
    return target.getvalue()


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
    _replace(target, _payload(kind, schema, state))
    return target


def _replace(target: Path, payload: dict[str, np.ndarray]) -> None:
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as handle:
            np.savez_compressed(handle, allow_pickle=False, **payload)
        os.replace(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"cannot write {target}: {error.strerror or error}; choose another folder") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _members(source: Any, name: str) -> dict[str, np.ndarray]:
    """Every array of an npz archive; the archive's checksums are checked before an array is parsed."""
    try:
        with zipfile.ZipFile(source) as archive:
            content = {name: archive.read(name) for name in archive.namelist()}
        return {
            member.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(stored), allow_pickle=False)
            for member, stored in content.items()
        }
    except _BROKEN as error:
        raise FileFormatError(f"{name} is truncated, damaged or no result file: {error}") from error


def _header(name: str, member: np.ndarray | None) -> dict[str, Any]:
    if member is None:
        raise FileFormatError(f"{name} is an npz file, but not one that this library wrote (no header)")
    try:
        header = json.loads(member.tobytes().decode())
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{name} has a damaged header; write the result again") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise FileFormatError(f"{name} is an npz file, but not one that this library wrote")
    schema = header.get("schema")
    if not isinstance(schema, int):
        raise FileFormatError(f"{name} lacks or misnames a part: 'schema'")
    if schema > SCHEMA:
        raise FileFormatError(f"{name} has file schema {schema}, this version reads up to {SCHEMA}; update inscape")
    for part, kind in _PARTS.items():
        if not isinstance(header.get(part), kind):
            raise FileFormatError(f"{name} lacks or misnames a part: {part!r}")
    return header


def _check_content(name: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    digests = header["sha256"]
    if header["seal"] != _seal(header):
        raise FileFormatError(f"{name} was changed after it was written: its header does not match its seal")
    if set(digests) != set(arrays) or any(_digest(a) != digests[key] for key, a in arrays.items()):
        raise FileFormatError(f"{name} was changed after it was written: its arrays do not match the header")


def _opened(source: Any, name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of an archive, with format, versions and content checked."""
    members = _members(source, name)
    header = _header(name, members.pop(_HEADER, None))
    arrays = {key.removeprefix("a/"): array for key, array in members.items()}
    _check_content(name, header, arrays)
    return header, arrays


def _state(name: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    try:
        return {key: _decode(value, arrays) for key, value in header["state"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(f"{name} lacks or misnames a part: {error}") from error


def unpack(data: bytes, name: str) -> dict[str, Any]:
    """Read the state of an archive that holds no result, checking format and content.

    Args:
        data: what :func:`pack` gave.
        name: what the data are called in errors.

    Returns:
        The decoded state.
    """
    return _state(name, *_opened(io.BytesIO(data), name))


def read(source: str | Path | bytes, name: str = "") -> tuple[type, dict[str, Any]]:
    """Read a result's class and state, checking format, versions and content.

    The checks find damage and careless edits. They are no signature: who can write the file can also seal it anew.

    Args:
        source: a file written by :func:`write`, or the bytes of :func:`pack`.
        name: what bytes are called in errors.

    Returns:
        The class from the closed table and the decoded state.

    Raises:
        FileFormatError: if the file is missing, truncated, foreign, tampered with or newer.
    """
    if not isinstance(source, bytes):
        name = str(source)
        if not Path(source).is_file():
            raise FileFormatError(f"there is no file {source}")
    header, arrays = _opened(io.BytesIO(source) if isinstance(source, bytes) else source, name)
    kind = header["kind"]
    if kind not in _KINDS:
        raise FileFormatError(f"{name} holds a result of unknown kind {kind!r}; known: {', '.join(sorted(_KINDS))}")
    cls = _resolve(_KINDS[kind])
    if header["kind_schema"] > cls.schema:
        raise FileFormatError(
            f"{name} holds {kind} schema {header['kind_schema']}, this version reads up to {cls.schema}; update inscape"
        )
    return cls, _state(name, header, arrays)
