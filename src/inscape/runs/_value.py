"""Values of tasks in a file form: JSON, JSON with arrays beside it, or a Result; nothing is pickled."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from inscape._errors import FileFormatError, InputTypeError
from inscape.results import Result, _codec, from_bytes
from inscape.runs._record import Payload

_KIND, _SCHEMA = "value", 1


def encode(value: Any) -> Payload:
    """Bring a value into its file form.

    Tuples become lists, numpy scalars become Python numbers.

    Args:
        value: JSON values, arrays, a nesting of these in lists and mappings with text keys, or one ``Result``.

    Returns:
        The payload, with its data.
    """
    if isinstance(value, Result):
        return _payload("result", value.to_bytes())
    if _has_arrays(value, "the value"):
        return _payload("arrays", _codec.pack(_KIND, _SCHEMA, {"value": value}))
    return _payload("json", json.dumps(value, ensure_ascii=False, default=_plain).encode())


def decode(payload: Payload) -> Any:
    """Bring a value back from its file form.

    Args:
        payload: what :func:`encode` gave.

    Returns:
        The value.

    Raises:
        FileFormatError: if the data are damaged, or of a form that this version does not know.
    """
    data = payload.data or b""
    if payload.form == "result":
        return from_bytes(data, name="a task's value")
    if payload.form == "arrays":
        return _lists(_codec.unpack(data, "a task's value").get("value"))
    if payload.form != "json":
        raise FileFormatError(f"a task's value has the unknown form {payload.form!r}; update inscape")
    try:
        return json.loads(data)
    except ValueError as error:
        raise FileFormatError(f"a task's value is no JSON text: {error}") from error


def _payload(form: str, data: bytes) -> Payload:
    return Payload(form=form, data=data, size=len(data))


def _plain(value: Any) -> Any:
    return value.item()  # a numpy scalar: everything else was refused before


def _has_arrays(value: Any, path: str) -> bool:
    """Whether there are arrays in a value; what has no file form is refused with its place."""
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise InputTypeError(f"{path} is an array of Python objects; give it a plain dtype")
        return True
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or key.startswith("$"):
                raise InputTypeError(f"{path} has the key {key!r}; keys must be texts that do not begin with '$'")
        found = [_has_arrays(item, f"{path}[{key!r}]") for key, item in value.items()]
        return any(found)  # not lazily: every part is checked
    if isinstance(value, list | tuple):
        return any([*map(_has_arrays, value, (f"{path}[{i}]" for i in range(len(value))))])
    if value is None or isinstance(value, bool | int | float | str):
        return False
    if isinstance(value, np.bool_ | np.integer | np.floating | np.str_):
        return False
    hint = "; write value.detach().cpu().numpy()" if hasattr(value, "detach") else ""
    raise InputTypeError(
        f"{path} is of type {type(value).__name__}, which a ledger cannot keep{hint}; "
        "return JSON values, arrays, or one Result"
    )


def _lists(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_lists(item) for item in value]
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return value
