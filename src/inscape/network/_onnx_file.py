"""Open ``.onnx`` files safely: a file is data, and nothing that it names is followed outside its own folder."""

from collections.abc import Iterator
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

from inscape._errors import FileFormatError
from inscape._optional import require

_LIMIT = 2 << 30
"""Bytes of a file with its external data; protobuf itself takes no longer messages."""
OLDEST = 7
"""The first version of the operator set whose broadcasting is that of numpy."""


def parsed(path: Path) -> Any:
    """Read a file with its external data into one message.

    Args:
        path: the file.

    Returns:
        The ``onnx.ModelProto``, in which no tensor lies outside any more.

    Raises:
        FileFormatError: if the file is missing, too large or damaged, or names data outside its own folder.
        DependencyError: if the package onnx is not installed.
    """
    onnx = require("onnx", "onnx")
    try:
        size = path.stat().st_size
        if size > _LIMIT:
            raise FileFormatError(f"{path} has {size} bytes; at most {_LIMIT} are opened")
        data = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror}") from error
    try:
        model = onnx.ModelProto.FromString(data)
    except Exception as error:  # protobuf's own error, whose class depends on its back end
        raise FileFormatError(f"{path} is no intact ONNX file: {_first_line(error)}") from error
    _take_in(model, path, onnx.TensorProto.EXTERNAL, _LIMIT - size)
    return model


def check(model: Any, path: Path) -> None:
    """Let the checker of the package onnx look at a message without external data.

    Args:
        model: the ``onnx.ModelProto``.
        path: the file, for the error.

    Raises:
        FileFormatError: if the message breaks the rules of the format or the versions do not fit.
    """
    onnx = require("onnx", "onnx")
    newest = onnx.defs.onnx_opset_version()
    if model.functions:
        raise FileFormatError(f"{path} defines functions of its own; write it anew with onnx.inliner")
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if len(versions) != 1 or not OLDEST <= versions[0] <= newest:
        raise FileFormatError(
            f"{path} uses version {versions or 'none'} of the ONNX operators; expected one from {OLDEST} to {newest}; "
            "convert it with onnx.version_converter, or install a newer package onnx"
        )
    try:
        onnx.checker.check_model(model)
    except Exception as error:  # the checker's own error, or what its back end makes of an impossible value
        raise FileFormatError(f"{path} is no valid ONNX model: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__


def _take_in(model: Any, path: Path, external: int, room: int) -> None:
    """Put the external data of initialisers into the message; tensors elsewhere have to be inside already."""
    for tensor in model.graph.initializer:
        if tensor.data_location == external:
            content = _outside(tensor, path, room)
            room -= len(content)
            del tensor.external_data[:]
            tensor.ClearField("data_location")
            tensor.raw_data = content
    for tensor in _tensors(model):
        if tensor.data_location == external or len(tensor.external_data):
            raise FileFormatError(
                f"{path}: the tensor {tensor.name[:80]!r} lies outside the file and is no initialiser"
            )


def _tensors(message: Any) -> Iterator[Any]:
    """Every tensor anywhere in a message."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if part.DESCRIPTOR.name == "TensorProto":
            yield part
            continue
        for field, value in part.ListFields():
            if field.message_type is not None:
                waiting.extend([value] if hasattr(value, "DESCRIPTOR") else value)


def _outside(tensor: Any, path: Path, room: int) -> bytes:
    """The bytes of one tensor from a file beside the model."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    name = f"the external data of {tensor.name[:80]!r}"
    place = _place(entries.get("location", ""), path, name)
    offset, length = (_number(entries.get(key), f"{path}: the {key} of {name}") for key in ("offset", "length"))
    width = _width(tensor.data_type)
    if not width or any(side < 0 for side in tensor.dims):
        raise FileFormatError(f"{path}: {name} has a type or a shape that is not read")
    size = prod(tensor.dims) * width
    if length not in (None, size) or size > room:
        raise FileFormatError(f"{path}: {name} has {length or size} bytes; expected {size}, and at most {room}")
    try:
        with place.open("rb") as file:
            file.seek(offset or 0)
            content = file.read(size)
    except OSError as error:
        raise FileFormatError(f"{path}: cannot read {name} from {place}: {error.strerror}") from error
    if len(content) != size:
        raise FileFormatError(f"{path}: {name} is cut off in {place}: {len(content)} of {size} bytes")
    return content


def _place(location: str, path: Path, name: str) -> Path:
    """The file that holds the data; it is a plain file, in the model's folder also after links are followed."""
    parts = PurePosixPath(location).parts
    odd = not parts or location.startswith("/") or ".." in parts or any(mark in location for mark in "\\:\0")
    folder = path.resolve().parent
    place = (folder / location).resolve() if not odd else folder
    if odd or not place.is_relative_to(folder):
        raise FileFormatError(f"{path}: {name} is said to be at {location[:80]!r}, outside the model's folder; refused")
    if not place.is_file():
        raise FileFormatError(f"{path}: {name} is said to be in {location[:80]!r}, but there is no such file")
    return place


def _number(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise FileFormatError(f"{name} is {text[:40]!r}; expected a number of bytes")
    return int(text)


def _width(data_type: int) -> int:
    """Bytes of an entry, 0 for types that are not read."""
    onnx = require("onnx", "onnx")
    names = {
        1: ("INT8", "UINT8", "BOOL"),
        2: ("INT16", "UINT16", "FLOAT16", "BFLOAT16"),
        4: ("INT32", "UINT32", "FLOAT"),
        8: ("INT64", "UINT64", "DOUBLE"),
    }
    return next((w for w, kinds in names.items() if data_type in map(onnx.TensorProto.DataType.Value, kinds)), 0)
