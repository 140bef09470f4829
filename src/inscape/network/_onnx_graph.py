"""The graph of an ONNX model as plain values; what comes after needs the package onnx no more."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inscape._errors import FileFormatError, ModelError, UnsupportedLayerError
from inscape._optional import require

Known = Tensor | np.ndarray
"""A known value: floating ones are torch tensors, integers and truth values numpy arrays."""

_FLOATING = ("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16")
_WHOLE = ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "BOOL")
_DTYPES = {
    "FLOAT": torch.float32,
    "DOUBLE": torch.float64,
    "FLOAT16": torch.float16,
    "BFLOAT16": torch.bfloat16,
    "BOOL": torch.bool,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One node of an ONNX graph.

    Attributes:
        name: the node's own name, or its operation and its place.
        operation: name of the operator.
        version: version of the operator set.
        attributes: given ones and defaults; what has neither is left out.
        inputs: names of values, empty where an optional one is left out.
        outputs: names of values.
    """

    name: str
    operation: str
    version: int
    attributes: dict[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """An ONNX graph with one input and one output.

    Attributes:
        calls: the nodes in topological order, only those that the output needs.
        constants: initialisers by name.
        source: name of the input.
        result: name of the output.
        shape: shape of the input, None where a side is not fixed.
        dtype: dtype of the input.
    """

    calls: tuple[Call, ...]
    constants: dict[str, Known]
    source: str
    result: str
    shape: tuple[int | None, ...] | None
    dtype: torch.dtype


def refuse_unknown(model: Any, known: Collection[str]) -> None:
    """Refuse operators that are not supported, by name and node.

    Args:
        model: the ``onnx.ModelProto``.
        known: names of the supported operators.

    Raises:
        UnsupportedLayerError: naming the first such operator and its node, and what is supported.
    """
    for place, node in enumerate(model.graph.node):
        foreign = node.domain not in ("", "ai.onnx")
        if foreign or node.op_type not in known:
            word = f"{node.domain}.{node.op_type}" if foreign else node.op_type
            raise UnsupportedLayerError(
                f"the ONNX operator {word[:80]!r} of node {node_name(node, place)!r} is not supported; "
                f"supported are {', '.join(sorted(known))}"
            )


def node_name(node: Any, place: int) -> str:
    """The node's own name, or its operation and its place."""
    return node.name[:200] or f"{node.op_type[:80]}_{place}"


def graph_of(model: Any, path: Path) -> Graph:
    """Take the graph out of a checked message.

    Args:
        model: the ``onnx.ModelProto``.
        path: the file, for errors.

    Returns:
        The graph.

    Raises:
        FileFormatError: if a tensor or an attribute is damaged.
        ModelError: if the model does not take one floating tensor and give one.
    """
    graph = model.graph
    version = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    try:
        constants = {tensor.name: value_of(tensor) for tensor in graph.initializer}
        calls = [_call(node, place, version) for place, node in enumerate(graph.node)]
    except (ValueError, TypeError, AttributeError) as error:
        raise FileFormatError(f"{path} holds a damaged tensor or attribute: {error}") from error
    if graph.sparse_initializer:
        raise ModelError(f"{path} holds sparse initialisers; expected plain ones")
    inputs = [entry for entry in graph.input if entry.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        names = [[entry.name[:40] for entry in entries] for entries in (inputs, graph.output)]
        raise ModelError(f"expected a model with one input and one output, {path} has {names[0]} and {names[1]}")
    kind = inputs[0].type.tensor_type
    dtype = _DTYPES.get(_type_name(kind.elem_type))
    if dtype is None or not dtype.is_floating_point:
        raise ModelError(f"expected an input of floating numbers in {path}; exact geometry has none for others")
    sides = [side.dim_value if side.dim_value > 0 else None for side in kind.shape.dim]
    return Graph(
        calls=_needed(calls, graph.output[0].name),
        constants=constants,
        source=inputs[0].name,
        result=graph.output[0].name,
        shape=tuple(sides) if kind.HasField("shape") else None,
        dtype=dtype,
    )


def _type_name(number: int) -> str:
    names = {value: name for name, value in require("onnx", "onnx").TensorProto.DataType.items()}
    return names.get(number, f"number {number}")


def _needed(calls: list[Call], result: str) -> tuple[Call, ...]:
    wanted, kept = {result}, []
    for call in reversed(calls):
        if wanted.intersection(call.outputs):
            kept.append(call)
            wanted.update(call.inputs)
    return tuple(reversed(kept))


def _call(node: Any, place: int, version: int) -> Call:
    onnx = require("onnx", "onnx")
    schema = onnx.defs.get_schema(node.op_type, version, "")
    defaults = {name: entry.default_value for name, entry in schema.attributes.items()}
    found = {name: entry for name, entry in defaults.items() if entry.type} | {a.name: a for a in node.attribute}
    return Call(
        name=node_name(node, place),
        operation=node.op_type,
        version=version,
        attributes={
            name: _plain(onnx.helper.get_attribute_value(entry), whole=node.op_type == "Constant")
            for name, entry in found.items()
        },
        inputs=tuple(node.input),
        outputs=tuple(node.output),
    )


def _plain(value: Any, *, whole: bool) -> Any:
    """An attribute; a floating tensor is kept whole, or as its one number and its dtype."""
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "DESCRIPTOR"):
        known = value_of(value)
        return known if whole or not isinstance(known, Tensor) else (float(known.reshape(-1)[0]), known.dtype)
    return value if isinstance(value, int | float | str) else list(value)


def value_of(tensor: Any) -> Known:
    """The value of a tensor in the message.

    Args:
        tensor: the ``onnx.TensorProto``.

    Returns:
        A torch tensor of a floating type, an int64 or bool array of the others.

    Raises:
        ValueError: if the data do not fit the shape, or the type is one of those that are not read.
    """
    onnx = require("onnx", "onnx")
    kind = _type_name(tensor.data_type) if tensor.DESCRIPTOR.name == "TensorProto" else "no tensor"
    if kind not in _FLOATING + _WHOLE:
        raise ValueError(f"{tensor.name[:80]!r} is of type {kind}; read are {', '.join(_FLOATING + _WHOLE)}")
    array = onnx.numpy_helper.to_array(tensor)
    if kind in _WHOLE:
        return array.astype(np.bool_ if kind == "BOOL" else np.int64)
    if kind == "BFLOAT16":
        return torch.from_numpy(np.array(array.view(np.int16))).view(torch.bfloat16)
    return torch.from_numpy(np.array(array))


def dtype_numbered(number: int) -> torch.dtype:
    """The dtype behind a number of the format; every integer counts as int64.

    Args:
        number: an entry of ``onnx.TensorProto.DataType``.

    Returns:
        The dtype.

    Raises:
        UnsupportedLayerError: if there is none.
    """
    name = _type_name(number)
    if name in _DTYPES:
        return _DTYPES[name]
    if name in _WHOLE:
        return torch.int64
    raise UnsupportedLayerError(f"values of the ONNX type {name} are not supported")
