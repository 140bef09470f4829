"""A captured network: a topological list of operations that evaluates batches in float64."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inscape._errors import ModelError, UnsupportedLayerError
from inscape.geometry._program import Kind
from inscape.network._affine import AFFINE
from inscape.network._layer import Layer
from inscape.network._piecewise import PIECEWISE


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """A model as a list of operations; satisfies the protocol ``Program`` of the geometry.

    It refers to the model's live parameters: after a training step it gives the new values. A changed structure,
    a new hook or another mode needs a new :func:`read`.

    Attributes:
        nodes: the operations in topological order; ``nodes[0]`` is the input.
        output: position of the node that gives the output, before the head.
        head_layer: the smooth operation that was peeled off the output, or None.
    """

    nodes: Sequence[Layer]
    output: int
    head_layer: Layer | None = None

    @property
    def head(self) -> str | None:
        """Name of the smooth head that was peeled off, such as ``"Softmax"``, or None."""
        return None if self.head_layer is None else self.head_layer.operation

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input sample."""
        return self.nodes[0].shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one sample's output."""
        return self.nodes[self.output].shape

    @property
    def units(self) -> int:
        """Number of piecewise-linear units: outputs of all piecewise-linear operations."""
        return sum(layer.units for layer in self.nodes)

    def evaluate(self, x: np.ndarray, *, head: bool = False) -> np.ndarray:
        """Evaluate the network in float64.

        Args:
            x: (n, *input_shape) samples.
            head: also apply the head that was peeled off, if there is one.

        Returns:
            (n, *output_shape) values.

        Raises:
            ModelError: if the samples do not have the shape of the input.
        """
        samples = np.ascontiguousarray(x, dtype=np.float64)
        if samples.shape[1:] != self.input_shape or samples.ndim != len(self.input_shape) + 1:
            raise ModelError(
                f"expected samples of shape (n, {self._shape_text()}), got an array of shape {samples.shape}"
            )
        last = {i: position for position, layer in enumerate(self.nodes) for i in layer.inputs}
        values: dict[int, np.ndarray] = {0: samples}
        for position, layer in enumerate(self.nodes[1:], start=1):
            values[position] = layer.apply(*(values[i] for i in layer.inputs))
            for i in set(layer.inputs):
                if last[i] == position and i != self.output:
                    del values[i]
        result = values[self.output]
        return self.head_layer.apply(result) if head and self.head_layer is not None else result

    def frozen(self) -> "Network":
        """The same network with the present values of all constants in float64, BatchNorm folded.

        Returns:
            A network that no longer follows the model.
        """
        head = None if self.head_layer is None else self.head_layer.freeze()
        return replace(self, nodes=tuple(layer.freeze() for layer in self.nodes), head_layer=head)

    def require_piecewise_linear(self) -> None:
        """Refuse a smooth operation inside the network.

        Raises:
            UnsupportedLayerError: naming the first smooth operation, its module and what is supported.
        """
        for layer in self.nodes:
            if layer.kind is Kind.SMOOTH:
                supported = sorted({spec.word for spec in (*AFFINE.values(), *PIECEWISE.values())})
                raise UnsupportedLayerError(
                    f"exact geometry needs a piecewise-linear network, got {layer.operation} in module {layer.name!r}; "
                    f"supported are {', '.join(supported)}, and one Softmax, LogSoftmax or Sigmoid on the output"
                )

    def describe(self) -> list[dict[str, Any]]:
        """One row per operation, for tables.

        Returns:
            Rows with module, operation, kind, output shape, parameters and units.
        """
        layers = [*self.nodes, *([] if self.head_layer is None else [self.head_layer])]
        return [
            {
                "module": layer.name,
                "operation": layer.operation,
                "kind": layer.kind.value,
                "output shape": layer.shape,
                "parameters": layer.parameter_count,
                "units": layer.units,
            }
            for layer in layers
        ]

    def _shape_text(self) -> str:
        return ", ".join(str(side) for side in self.input_shape)
