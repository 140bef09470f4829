"""One operation of a captured network: evaluates float64 batches from live or frozen constants."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from inscape.geometry._program import Kind, Rule


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Constant:
    """A tensor that does not depend on the input; it follows the live parameters behind it.

    Attributes:
        evaluate: gives the tensor, float64 on the CPU if it is a floating tensor.
        shape: its shape.
        floating: whether it is a floating tensor.
        parameters: the parameters behind it.
    """

    evaluate: Callable[[], Tensor]
    shape: tuple[int, ...]
    floating: bool = True
    parameters: tuple[Tensor, ...] = ()

    @classmethod
    def live(cls, tensor: Tensor) -> Self:
        """Refer to a tensor of the model."""
        is_parameter = isinstance(tensor, torch.nn.Parameter)
        return cls(
            evaluate=lambda: as_double(tensor),
            shape=tuple(tensor.shape),
            floating=tensor.is_floating_point(),
            parameters=(tensor,) if is_parameter else (),
        )

    @classmethod
    def derived(cls, function: Callable[..., Tensor], *sources: "Constant", shape: tuple[int, ...]) -> Self:
        """A floating tensor computed from other constants."""
        return cls(
            evaluate=lambda: function(*(source.evaluate() for source in sources)),
            shape=shape,
            parameters=tuple(p for source in sources for p in source.parameters),
        )


def as_double(tensor: Tensor) -> Tensor:
    """The tensor on the CPU, in float64 if it is a floating tensor."""
    tensor = tensor.detach()
    return tensor.to("cpu", torch.float64) if tensor.is_floating_point() else tensor.to("cpu")


def as_tensor(value: np.ndarray) -> Tensor:
    """A float64 tensor on the memory of the array, or on a copy where torch cannot share it."""
    array = np.ascontiguousarray(value, dtype=np.float64)
    if array.ndim != value.ndim:
        array = array.reshape(value.shape)
    return torch.from_numpy(array if array.flags.writeable else array.copy())


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where the samples are in a captured tensor: its dimension ``axis`` has the size outer · samples · inner."""

    axis: int = 0
    outer: int = 1
    inner: int = 1

    @property
    def plain(self) -> bool:
        """Whether the samples are the first dimension."""
        return self.axis == 0 and self.outer == 1 and self.inner == 1

    def restore(self, stored: Tensor) -> Tensor:
        """From ``(samples, *shape)`` to the captured tensor's own arrangement."""
        if self.plain:
            return stored
        split = stored.movedim(0, self.axis + 1)
        return split.flatten(self.axis, self.axis + 2)

    def store(self, captured: Tensor, samples: int) -> Tensor:
        """From the captured tensor's own arrangement to ``(samples, *shape)``."""
        if self.plain:
            return captured
        split = captured.unflatten(self.axis, (self.outer, samples, self.inner))
        return split.movedim(self.axis + 1, 0)

    def captured_shape(self, shape: tuple[int, ...], samples: int = 1) -> tuple[int, ...]:
        """Shape of the captured tensor for a number of samples."""
        if self.plain:
            return (samples, *shape)
        return (*shape[: self.axis], self.outer * samples * self.inner, *shape[self.axis + 2 :])


PLAIN = Layout()

Formula = Callable[[Sequence[Tensor], Sequence[Tensor], int], Tensor]
"""(values of the inputs, values of the constants, number of samples) → values of the output."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Layer:
    """An operation; satisfies the protocol ``Node`` of the geometry.

    Attributes:
        name: path of the module that performs it.
        operation: the operation in words.
        inputs: positions of the nodes it reads.
        kind: how it acts on its inputs.
        shape: shape of one sample's output.
        length: longest sum behind one output of an affine operation.
        layout: arrangement of the samples in the captured graph; matters to the capture only.
        constants: the tensors it holds.
        frozen: their values, once frozen.
        absolute: the absolute values of these.
        target: name of the captured operator.
    """

    name: str
    operation: str
    inputs: tuple[int, ...]
    kind: Kind
    shape: tuple[int, ...]
    forward: Formula
    linear_part: Formula | None = None
    magnitude_part: Formula | None = None
    rule_part: Callable[[Sequence[Tensor]], Rule] | None = None
    length: int = 0
    layout: Layout = PLAIN
    constants: tuple[Constant, ...] = ()
    frozen: tuple[Tensor, ...] | None = None
    absolute: tuple[Tensor, ...] | None = None
    fixed_rule: Rule | None = None
    target: str = ""

    @property
    def rule(self) -> Rule | None:
        """How a piecewise-linear operation splits; None for all others."""
        if self.fixed_rule is not None or self.rule_part is None:
            return self.fixed_rule
        with torch.no_grad():
            return self.rule_part(self._values())

    @property
    def units(self) -> int:
        """Number of piecewise-linear units: outputs of a piecewise-linear operation, else 0."""
        return prod(self.shape) if self.kind is Kind.PIECEWISE else 0

    @property
    def parameter_count(self) -> int:
        """Number of entries of the parameters behind the operation."""
        distinct = {id(p): p.numel() for constant in self.constants for p in constant.parameters}
        return sum(distinct.values())

    def apply(self, *values: np.ndarray) -> np.ndarray:
        """Evaluate on a batch.

        Args:
            *values: (n, *shape) float64 array of each input.

        Returns:
            (n, *shape) float64, C-contiguous; a view of an input only for reshapes and slices.
        """
        return self._run(self.forward, values)

    def linear(self, *values: np.ndarray) -> np.ndarray:
        """Evaluate an affine operation without its constant term.

        Args:
            *values: (n, *shape) float64 array of each input.

        Returns:
            (n, *shape) float64.
        """
        return self._run(_required(self.linear_part, self), values)

    def magnitude(self, *values: np.ndarray) -> np.ndarray:
        """Evaluate an affine operation with the absolute values of all its coefficients and constant terms.

        Args:
            *values: (n, *shape) float64 array of each input, used as they are.

        Returns:
            (n, *shape) float64.
        """
        absolute = self.absolute if self.absolute is not None else _absolute(self._values())
        return self._run(_required(self.magnitude_part, self), values, absolute)

    def freeze(self) -> "Layer":
        """The same operation with the present values of its constants, in float64."""
        if self.frozen is not None:
            return self
        with torch.no_grad():
            values = tuple(constant.evaluate().clone() for constant in self.constants)
            rule = self.fixed_rule if self.rule_part is None else self.rule_part(values)
        return replace(self, frozen=values, absolute=_absolute(values), fixed_rule=rule)

    def _values(self) -> Sequence[Tensor]:
        return self.frozen if self.frozen is not None else [constant.evaluate() for constant in self.constants]

    def _run(
        self, formula: Formula, values: Sequence[np.ndarray], constants: Sequence[Tensor] | None = None
    ) -> np.ndarray:
        with torch.no_grad():
            tensors = [as_tensor(value) for value in values]
            held = self._values() if constants is None else constants
            result = formula(tensors, held, tensors[0].shape[0])
            return result.contiguous().numpy()


def _absolute(constants: Sequence[Tensor]) -> tuple[Tensor, ...]:
    with torch.no_grad():
        return tuple(value.abs() if value.is_floating_point() else value for value in constants)


def _required(formula: Formula | None, layer: Layer) -> Formula:
    if formula is None:
        raise TypeError(f"{layer.operation} at {layer.name!r} is {layer.kind.value}, not affine: it has no linear part")
    return formula


def input_layer(shape: tuple[int, ...]) -> Layer:
    """The node that stands for the input."""
    return Layer(
        name="input",
        operation="Input",
        inputs=(),
        kind=Kind.INPUT,
        shape=shape,
        forward=lambda values, _c, _n: values[0],
    )


Bound = dict[str, Any]
"""Arguments of a captured operator by the names of its schema."""
