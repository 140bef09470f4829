"""A model that comes from an ``.onnx`` file."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inscape._errors import InscapeError, ModelError
from inscape.network._onnx_graph import Call
from inscape.network._onnx_operators import OPERATORS


@dataclass(frozen=True, kw_only=True, slots=True)
class Computed:
    """Place of an operand that comes from another node."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weight:
    """Place of an operand that is a parameter or a buffer of the module."""

    name: str


Operand = Computed | Weight | np.ndarray | None


class Operation(nn.Module):
    """One node of an ONNX graph, with its constant operands."""

    def __init__(self, call: Call, operands: tuple[Operand, ...]) -> None:
        super().__init__()
        self.call = call
        self.operands = operands

    def forward(self, *values: Any) -> Any:
        """Compute the node from the operands that are no constants."""
        try:
            return OPERATORS[self.call.operation].function(self.call, *self.arguments(iter(values)))
        except InscapeError:
            raise
        except Exception as error:  # whatever the node's numbers lead torch and numpy into
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"{self.call.operation} {self.call.name!r} cannot take {', '.join(map(_described, values))}: {first}"
            ) from error

    def arguments(self, values: Iterator[Any]) -> list[Any]:
        """All operands in order, given those that are computed."""
        return [
            next(values) if isinstance(place, Computed) else self.weight(place) if isinstance(place, Weight) else place
            for place in self.operands
        ]

    def weight(self, place: Weight) -> Tensor:
        """A parameter or buffer among the operands."""
        return getattr(self, place.name)

    def extra_repr(self) -> str:
        """Everything that the node computes with besides its parameters."""
        given = [f"{name}={_digest(value)}" for name, value in sorted(self.call.attributes.items())]
        held = [f"operand {i}: {_digest(value)}" for i, value in enumerate(self.operands) if not _open(value)]
        return ", ".join([f"{self.call.operation} {self.call.version}", *given, *held])


def _open(place: Operand) -> bool:
    return isinstance(place, Computed)


def _digest(value: Any) -> str:
    """A value in a few words, which differ if the values do."""
    if isinstance(value, Tensor):
        value = value.double().numpy()
    text = f"{value.dtype}{value.shape}{value.tolist()}" if isinstance(value, np.ndarray) else repr(value)
    return text if len(text) <= 60 else blake2b(text.encode(), digest_size=12).hexdigest()


def _described(value: Any) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"sizes {value}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One child and the names of what it reads and gives.

    Attributes:
        child: name of the child.
        inputs: values read.
        outputs: values given.
        spent: values that nothing later reads.
    """

    child: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    spent: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The order of the children.

    Attributes:
        steps: the children in topological order.
        source: name of the model's input.
        result: name of its output.
        shape: shape of one sample, None if the file leaves it open.
        chained: whether every child reads just what the one before it gives.
    """

    steps: tuple[Step, ...]
    source: str
    result: str
    shape: tuple[int, ...] | None
    chained: bool = False


class OnnxModel(nn.Module):
    """A model from an ``.onnx`` file.

    Its children are named after the nodes. Those that torch has a layer for are such layers; the others hold the node.
    Initialisers of floating type are parameters, statistics and other constants are buffers.
    """

    def __init__(self, children: dict[str, nn.Module], plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        for name, child in children.items():
            self.add_module(name, child)

    def forward(self, x: torch.Tensor) -> Any:
        """Evaluate the graph on a batch."""
        values: dict[str, Any] = {self.plan.source: x}
        for step in self.plan.steps:
            self.advance(step, values, x.device)
            for name in step.spent:
                del values[name]
        return values[self.plan.result]

    def advance(self, step: Step, values: dict[str, Any], device: torch.device) -> None:
        """Run one child on the values so far, and put in what it gives."""
        made = self._modules[step.child](*(values[name] for name in step.inputs))  # pyright: ignore[reportOptionalCall]
        for name, result in zip(step.outputs, made if isinstance(made, list) else [made], strict=True):
            elsewhere = isinstance(result, Tensor) and result.device != device  # a tensor made of sizes
            values[name] = result.to(device) if elsewhere else result

    def sample_shape(self) -> tuple[int, ...] | None:
        """Shape of one input sample, None if the file does not fix it."""
        return self.plan.shape

    def extra_repr(self) -> str:
        """How the children are joined, where that is no chain."""
        if self.plan.chained:
            return ""
        wiring = [f"{step.child}: {step.inputs} → {step.outputs}" for step in self.plan.steps]
        return _digest(f"{self.plan.source} → {self.plan.result}, {wiring}")
