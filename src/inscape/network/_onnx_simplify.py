"""Make an ONNX graph simpler before it is built: only used outputs, constants folded, biases joined to products."""

from collections import Counter
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inscape._errors import FileFormatError, ModelError, UnsupportedLayerError
from inscape.network._onnx_graph import Call, Graph, Known, dtype_numbered
from inscape.network._onnx_model import Computed, Operation
from inscape.network._onnx_operators import CONSTANT, OPERATORS
from inscape.network._onnx_values import ghost, option_array

_MOST = 1 << 31
"""Entries of a constant that is computed when a file is opened."""


def simplified(graph: Graph) -> Graph:
    """The same function with fewer nodes.

    Args:
        graph: the graph of a checked file.

    Returns:
        A graph whose nodes all depend on the input.

    Raises:
        FileFormatError: if a constant is enormous.
        ModelError: if the output does not depend on the input, or a constant is no number.
        UnsupportedLayerError: if a node's further outputs are used, or a constant cannot be computed.
    """
    return _joined(_without_constants(_trimmed(graph)))


def _trimmed(graph: Graph) -> Graph:
    """Nodes with the outputs that are supported; only some operators have more than one."""
    read = {graph.result, *(name for call in graph.calls for name in call.inputs)}
    calls = []
    for call in graph.calls:
        several = call.operation != CONSTANT and OPERATORS[call.operation].several
        rest = [name for name in call.outputs[1:] if name in read]
        if rest and not several:
            raise UnsupportedLayerError(
                f"{call.operation} {call.name!r} gives {rest[0]!r} besides its first output, which is not supported"
            )
        calls.append(call if several else replace(call, outputs=call.outputs[:1]))
    return replace(graph, calls=tuple(calls))


def _without_constants(graph: Graph) -> Graph:
    """Nodes that do not depend on the input are computed now and become constants."""
    constants = dict(graph.constants)
    calls = []
    for call in graph.calls:
        if call.operation == CONSTANT:
            constants[call.outputs[0]] = _stated(call)
        elif any(name and name not in constants for name in call.inputs) or not call.inputs:
            calls.append(call)
        elif call.operation == "Identity":
            constants[call.outputs[0]] = constants[call.inputs[0]]
        else:
            operands = [constants[name] if name else None for name in call.inputs]
            constants.update(zip(call.outputs, _folded(call, operands), strict=True))
    if graph.result in constants:
        raise ModelError("the output of the model does not depend on its input")
    return replace(graph, calls=tuple(calls), constants=constants)


def _stated(call: Call) -> Known:
    """The value of a Constant."""
    names = call.attributes.keys() & {"value", "value_int", "value_ints", "value_float", "value_floats"}
    if len(names) != 1:
        raise ModelError(f"expected one value of numbers in the constant {call.name!r}, got {list(call.attributes)}")
    (name,) = names
    value = call.attributes[name]
    if name == "value":
        return value
    return np.array(value, dtype=np.int64) if "int" in name else torch.tensor(value, dtype=torch.float32)


def _folded(call: Call, operands: list[Known | None]) -> list[Known]:
    if call.operation == "Cast" and isinstance(operands[0], Tensor):
        dtype = dtype_numbered(call.attributes["to"])
        return [operands[0].to(dtype) if dtype.is_floating_point else operands[0].to(dtype).numpy()]
    count = OPERATORS[call.operation].weights
    places = tuple(operand if i < count else option_array(operand) for i, operand in enumerate(operands))
    operation = Operation(call, (Computed(),) * len(places))
    with torch.no_grad():
        shapes = _several(operation(*(ghost(place) if isinstance(place, Tensor) else place for place in places)))
        if sum(prod(value.shape) for value in shapes) > _MOST:
            raise FileFormatError(f"{call.operation} {call.name!r} makes a constant of more than {_MOST} numbers")
        made = operation(*places)
    return [value.contiguous() if isinstance(value, Tensor) else value for value in _several(made)]


def _several(made: Any) -> list[Any]:
    return made if isinstance(made, list) else [made]


def _joined(graph: Graph) -> Graph:
    """A matrix product followed by the addition of a vector becomes one node, which torch has a layer for."""
    readers = Counter(name for call in graph.calls for name in call.inputs) + Counter([graph.result])
    products = {
        call.outputs[0]: call
        for call in graph.calls
        if call.operation == "MatMul" and call.inputs[0] not in graph.constants and call.inputs[1] in graph.constants
    }
    joined: dict[str, Call] = {}
    for call in graph.calls:
        if call.operation != "Add" or not any(name in products and readers[name] == 1 for name in call.inputs):
            continue
        product = products[next(name for name in call.inputs if name in products and readers[name] == 1)]
        bias = next((name for name in call.inputs if name in graph.constants), None)
        weight = graph.constants[product.inputs[1]]
        if bias is not None and weight.ndim == 2 and tuple(graph.constants[bias].shape) == tuple(weight.shape[1:]):
            inputs = (*product.inputs, bias)
            joined[product.outputs[0]] = joined[call.outputs[0]] = replace(product, inputs=inputs, outputs=call.outputs)
    calls = [joined.get(call.outputs[0], call) for call in graph.calls]
    places = {id(call): place for place, call in enumerate(calls)}
    return replace(graph, calls=tuple(call for place, call in enumerate(calls) if places[id(call)] == place))
