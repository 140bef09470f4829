"""Where the samples are in each tensor of a captured graph, found from its symbolic shapes."""

from collections.abc import Sequence
from math import prod
from typing import Any

from inscape._errors import ModelError
from inscape.network._layer import PLAIN, Layout

VIEWS = frozenset({"view", "_unsafe_view", "reshape", "flatten", "unflatten"})
"""Operators that keep the order of the entries in memory."""


class Arrangement:
    """Tells, for one exported graph, the layout of a tensor from the symbol of the batch."""

    def __init__(self, symbol: Any) -> None:
        self.symbol = symbol

    def layout(
        self, key: str, shape: Sequence[Any], *, inputs: Sequence[tuple[tuple[int, ...], Layout]], path: str
    ) -> tuple[tuple[int, ...], Layout] | None:
        """Shape of one sample and layout of an operator's output.

        Args:
            key: name of the operator.
            shape: symbolic shape of the output.
            inputs: sample shapes and layouts of the inputs.
            path: module that calls it, for the error.

        Returns:
            The shape and the layout, or None if the output has no dimension of samples.

        Raises:
            ModelError: if samples are mixed with one another.
        """
        axes = [axis for axis, side in enumerate(shape) if not isinstance(side, int)]
        if not axes:
            return None
        axis = axes[0]
        if len(axes) > 1:
            raise ModelError(mixed(key, path))
        rest = [int(side) for place, side in enumerate(shape) if place != axis]
        multiple = shape[axis].node.expr / self.symbol
        if not multiple.is_Integer:
            raise ModelError(mixed(key, path))
        layout = self._placed(key, axis, int(multiple), before=prod(rest[:axis]), inputs=inputs)
        if layout is None:
            raise ModelError(mixed(key, path))
        if layout.plain:
            return tuple(rest), PLAIN
        return (*rest[:axis], layout.outer, layout.inner, *rest[axis:]), layout

    @staticmethod
    def _placed(
        key: str, axis: int, multiple: int, *, before: int, inputs: Sequence[tuple[tuple[int, ...], Layout]]
    ) -> Layout | None:
        if key in VIEWS and inputs:
            shape, layout = inputs[0]
            ahead = prod(shape[: layout.axis]) * layout.outer
            outer, odd = divmod(ahead, before)
            if odd or outer == 0 or multiple % outer:
                return None
            return Layout(axis=axis, outer=outer, inner=multiple // outer)
        if multiple == 1:
            return Layout(axis=axis)
        found = {(part.outer, part.inner) for _, part in inputs if part.outer * part.inner == multiple}
        if len(found) != 1:
            return None
        outer, inner = found.pop()
        return Layout(axis=axis, outer=outer, inner=inner)


def mixed(key: str, path: str) -> str:
    """Text of the refusal of an operator that mixes samples."""
    where = f"in module {path!r}" if path else "in the model's own forward"
    return (
        f"operation {key!r} {where} mixes the samples of a batch with one another; "
        "expected a model that treats every sample by itself"
    )
