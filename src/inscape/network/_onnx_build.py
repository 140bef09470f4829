"""From an ``.onnx`` file to a module: nodes become children, a trial without data, then layers of torch."""

import copy
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inscape._errors import FileFormatError, InscapeError, ModelError
from inscape.network._onnx_file import check, parsed
from inscape.network._onnx_graph import Call, Graph, graph_of, refuse_unknown
from inscape.network._onnx_leaves import Shapes, layer_for
from inscape.network._onnx_model import Computed, OnnxModel, Operand, Operation, Plan, Step, Weight
from inscape.network._onnx_operators import OPERATORS, SUPPORTED
from inscape.network._onnx_simplify import simplified
from inscape.network._onnx_values import ghost, option_array

_MOST = 1 << 31
"""Entries of all values of two samples together, beyond which a file is refused."""
_FEASIBLE = 1 << 29
"""Entries of all values of a batch together, up to which it is run for a comparison."""


def open_onnx(path: Path) -> OnnxModel:
    """Open an ``.onnx`` file after checking it.

    Args:
        path: the file.

    Returns:
        The model in evaluation mode, with a free number of samples.

    Raises:
        FileFormatError: if the file is damaged, unsafe, or of a version that is not read.
        ModelError: if the model does not take one batch and give one, or mixes samples with one another.
        UnsupportedLayerError: if an operator is not supported, by name and node.
        DependencyError: if the package onnx is not installed.
    """
    message = parsed(path)
    refuse_unknown(message, SUPPORTED)
    check(message, path)
    graph = graph_of(message, path)
    del message
    samples = None if not graph.shape else graph.shape[0]
    return _Builder(simplified(graph), samples).run().eval()


class _Builder:
    """Makes the children, tries them, and puts layers of torch in their places."""

    def __init__(self, graph: Graph, samples: int | None) -> None:
        self.graph = graph
        self.samples = samples
        self.tensors: dict[tuple[int, bool], Tensor] = {}

    def run(self) -> OnnxModel:
        model = self._made(freed=True)
        if model.plan.shape is None:
            return model
        shapes = [_trial(model, (count, *model.plan.shape), self.graph.dtype, self._hint()) for count in (2, 3)]
        if self.samples is not None:
            self._compare(model, sum(map(prod, shapes[0].values())))
        return self._with_layers(model, Shapes(of_two=shapes[0], of_three=shapes[1]))

    def _hint(self) -> str:
        """What to do about a number of samples that could not be freed."""
        if self.samples is None:
            return ""
        return f"; the file fixes the number of samples to {self.samples}: export the model with a dynamic batch"

    def _made(self, *, freed: bool) -> OnnxModel:
        children: dict[str, nn.Module] = {}
        steps = []
        for call in self.graph.calls:
            name = _module_name(call, children)
            children[name] = self._operation(call, freed=freed)
            inputs = tuple(name for name in call.inputs if name and name not in self.graph.constants)
            steps.append(Step(child=name, inputs=inputs, outputs=call.outputs))
        shape = self.graph.shape
        sides = None if shape is None else [side for side in shape[1:] if side is not None]
        plan = Plan(
            steps=_with_last_uses(steps, self.graph.result),
            source=self.graph.source,
            result=self.graph.result,
            shape=tuple(sides) if sides is not None and shape and len(sides) == len(shape) - 1 else None,
        )
        return OnnxModel(children, plan)

    def _operation(self, call: Call, *, freed: bool) -> Operation:
        spec = OPERATORS[call.operation]
        operation = Operation(call, ())
        operands: list[Operand] = []
        for i, name in enumerate(call.inputs):
            known = self.graph.constants.get(name)
            if not name:
                operands.append(None)
            elif known is None:
                operands.append(Computed())
            elif isinstance(known, Tensor) and i < spec.weights:
                operands.append(self._weight(operation, known, i))
            else:
                operands.append(option_array(known))
        if freed and call.operation == "Reshape" and _fixes(operands[1], self.samples):
            operation.call = replace(call, attributes=call.attributes | {"allowzero": 0})
            operands[1] = np.concatenate([[0], operands[1][1:]])  # pyright: ignore[reportOptionalSubscript, reportIndexIssue]
        operation.operands = tuple(operands)
        return operation

    def _weight(self, operation: Operation, known: Tensor, place: int) -> Weight:
        """Register a constant; nodes that share an initialiser share the tensor."""
        trained = known.ndim > 0 and place not in OPERATORS[operation.call.operation].statistics
        tensor = self.tensors.setdefault((id(known), trained), nn.Parameter(known) if trained else known)
        role = f"operand_{place}"
        if isinstance(tensor, nn.Parameter):
            operation.register_parameter(role, tensor)
        else:
            operation.register_buffer(role, tensor)
        return Weight(name=role)

    def _compare(self, model: OnnxModel, size: int) -> None:
        """A file for a fixed number of samples computes the same for each of them as the model with a free one."""
        count, shape = self.samples or 1, model.plan.shape or ()
        if count * size > _FEASIBLE:
            raise ModelError(f"the model is too large for a comparison{self._hint()}")
        batch = torch.rand((2 * count, *shape), generator=torch.Generator().manual_seed(0)).to(self.graph.dtype)
        with torch.no_grad():
            found = model.eval()(batch)
            stated = self._made(freed=False).eval()
            expected = torch.cat([stated(part) for part in batch.split(count)])
            alone = torch.cat([model(batch[i : i + 1]) for i in range(min(len(batch), 4))])
        scale = max(float(found.abs().max()), 1e-6) if found.numel() else 1.0
        close = 1e-3 if found.dtype in (torch.float32, torch.float64) else 0.05
        pairs = [(found, expected), (found[: len(alone)], alone)]
        if not all(a.shape == b.shape and float((a - b).abs().max()) <= close * scale for a, b in pairs if b.numel()):
            raise ModelError(f"the model computes something that mixes the samples of a batch{self._hint()}")

    def _with_layers(self, model: OnnxModel, shapes: Shapes) -> OnnxModel:
        uses = Counter(id(p) for child in model.children() for p in child.parameters())
        children: dict[str, nn.Module] = {}
        for step in model.plan.steps:
            child = model._modules[step.child]
            tied = isinstance(child, nn.Module) and any(uses[id(p)] > 1 for p in child.parameters())
            plain = isinstance(child, Operation) and len(step.inputs) == 1 and not tied
            layer = layer_for(child, step, shapes) if plain and isinstance(child, Operation) else None
            children[step.child] = layer or child  # pyright: ignore[reportArgumentType]
        ends = [model.plan.source, *(step.outputs[0] for step in model.plan.steps)]
        chained = all(
            step.inputs == (before,) and len(step.outputs) == 1
            for step, before in zip(model.plan.steps, ends, strict=False)
        )
        return OnnxModel(children, replace(model.plan, chained=chained and ends[-1] == model.plan.result))


def _fixes(sizes: Operand, samples: int | None) -> bool:
    """Whether the first side of a new shape is the fixed number of samples; 0 in its place keeps that side."""
    return isinstance(sizes, np.ndarray) and sizes.size > 0 and int(sizes[0]) == samples and 0 not in sizes


def _with_last_uses(steps: list[Step], result: str) -> tuple[Step, ...]:
    last = {name: place for place, step in enumerate(steps) for name in (*step.outputs, *step.inputs)}
    last.pop(result, None)
    return tuple(
        replace(step, spent=tuple(name for name in dict.fromkeys((*step.inputs, *step.outputs)) if last.get(name) == i))
        for i, step in enumerate(steps)
    )


def _module_name(call: Call, taken: dict[str, nn.Module]) -> str:
    """The node's name as a Python identifier that no other child and no attribute of a module has."""
    name = re.sub(r"\W+", "_", call.name, flags=re.ASCII).strip("_") or call.operation
    name = name if name[0].isalpha() else f"{call.operation}_{name}"
    name = f"{name}_node" if hasattr(nn.Module, name) or hasattr(OnnxModel, name) or name in _RESERVED else name
    tries: Iterator[str] = (name if i == 1 else f"{name}_{i}" for i in range(1, len(taken) + 2))
    return next(each for each in tries if each not in taken)


_RESERVED = frozenset({"plan", "training"})


def _trial(model: OnnxModel, shape: tuple[int, ...], dtype: torch.dtype, hint: str) -> dict[str, tuple[int, ...]]:
    """Shapes of all values, by a run on tensors without data."""
    if prod(shape) > _MOST:
        raise FileFormatError(f"the model takes samples of shape {shape[1:]}, which do not fit into memory")
    held = [*model.parameters(), *model.buffers()]
    with torch.no_grad():
        hollow = copy.deepcopy(model, {id(t): ghost(t) for t in held}).eval()
        values: dict[str, Any] = {model.plan.source: torch.empty(shape, dtype=dtype, device="meta")}
        for step in model.plan.steps:
            try:
                hollow.advance(step, values, torch.device("meta"))
            except InscapeError as error:
                raise type(error)(f"{error} (with a batch of shape {shape}){hint}") from error
    shapes = {name: tuple(value.shape) for name, value in values.items() if isinstance(value, Tensor)}
    if sum(map(prod, shapes.values())) > 2 * _MOST:
        raise FileFormatError(f"a batch of shape {shape} grows to more than {2 * _MOST} numbers inside the model")
    if shapes.get(model.plan.result, ())[:1] != shape[:1]:
        found = shapes.get(model.plan.result, "sizes")
        raise ModelError(f"expected the samples in the first dimension of the output, got {found} for {shape}{hint}")
    return shapes
