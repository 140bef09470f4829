"""From captured operator calls to layers: both front ends add their operations here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from inscape._errors import ModelError, UnsupportedLayerError
from inscape.geometry._program import Kind
from inscape.network._affine import AFFINE, NEUTRAL, Affine
from inscape.network._layer import PLAIN, Bound, Constant, Formula, Layer, Layout, input_layer
from inscape.network._piecewise import PIECEWISE, Piecewise
from inscape.network._smooth import SMOOTH
from inscape.network._template import Held, Slot, Zero, change, fill, leaves


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """The output of a layer, as an argument of later calls."""

    index: int
    shape: tuple[int, ...]
    layout: Layout = PLAIN


class Builder:
    """Grows the topological list of layers."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.layers = [input_layer(shape)]
        self.input = Value(index=0, shape=shape)

    def add(
        self,
        operator: Any,
        arguments: Bound,
        *,
        name: str,
        pick: int | None = None,
        shape: tuple[int, ...] | None = None,
        layout: Layout = PLAIN,
    ) -> Value:
        """Append the call of an operator that depends on the input.

        Args:
            operator: the aten operator overload.
            arguments: its arguments by schema name; tensors are :class:`Value` or ``Constant``.
            name: path of the module that calls it.
            pick: which of several outputs is meant.
            shape: shape of one sample's output; inferred if None.
            layout: where the samples are in the captured output.

        Returns:
            The output.

        Raises:
            UnsupportedLayerError: if the operator is unknown, random, or uses the statistics of the batch.
        """
        call = _Call(operator=operator, arguments=arguments, name=name, pick=pick, layout=layout)
        call = call if name else replace(call, name=call.key)
        if call.key in NEUTRAL and NEUTRAL[call.key](arguments, pick):
            return next(leaf for leaf in leaves(arguments) if isinstance(leaf, Value))
        shape = call.infer() if shape is None else shape
        layer = self._layer(call, shape)
        self.layers.append(layer)
        return Value(index=len(self.layers) - 1, shape=shape, layout=layout)

    def _layer(self, call: "_Call", shape: tuple[int, ...]) -> Layer:
        affine = AFFINE.get(call.key)
        if affine is not None and call.fits(affine):
            return call.affine(affine, shape)
        piecewise = PIECEWISE.get(call.key)
        if piecewise is not None and call.pick in (None, 0) and call.splits(piecewise):
            piecewise.check(call.arguments, call.name)
            if piecewise.groups is not None:
                arguments = {key: self._materialised(leaf, call, shape) for key, leaf in call.arguments.items()}
                call = replace(call, arguments=arguments)
            return call.piecewise(piecewise, shape)
        word = SMOOTH.get(call.key)
        if word is not None:
            return call.smooth(word, shape)
        raise UnsupportedLayerError(unknown(call.key, call.name, call.pick))

    def _materialised(self, leaf: Any, call: "_Call", shape: tuple[int, ...]) -> Any:
        """A constant operand of a maximum becomes a node of its own, spread to the shape of the output."""
        if not isinstance(leaf, Constant):
            return leaf
        layout = call.layout

        def forward(values: Sequence[Tensor], constants: Sequence[Tensor], samples: int) -> Tensor:
            spread = constants[0].expand(layout.captured_shape(shape, samples))
            return layout.store(spread, samples).clone(memory_format=torch.contiguous_format)

        return self.source(forward, (leaf,), shape=shape, name=call.name, layout=layout)

    def source(
        self,
        forward: Formula,
        constants: tuple[Constant, ...],
        *,
        shape: tuple[int, ...],
        name: str,
        layout: Layout = PLAIN,
    ) -> Value:
        """Append a node that depends on the number of samples only.

        Args:
            forward: gives the stored tensor.
            constants: the tensors it is made of.
            shape: shape for one sample.
            name: path of the module that makes it.
            layout: where the samples are in the captured tensor.

        Returns:
            The output.
        """
        layer = Layer(
            name=name,
            operation="Constant",
            inputs=(0,),
            kind=Kind.AFFINE,
            shape=shape,
            forward=forward,
            linear_part=lambda values, _c, samples: torch.zeros((samples, *shape), dtype=torch.float64),
            magnitude_part=lambda values, constants, samples: forward(values, constants, samples).abs(),
            constants=constants,
            layout=layout,
        )
        self.layers.append(layer)
        return Value(index=len(self.layers) - 1, shape=shape, layout=layout)


def unknown(key: str, name: str, pick: int | None = None) -> str:
    """Text of the refusal of an operator."""
    part = f" (its output number {pick})" if pick else ""
    where = f"module {name!r}" if name not in ("", key) else "the model's own forward"
    known = sorted({spec.word for spec in (*AFFINE.values(), *PIECEWISE.values())} | set(SMOOTH.values()))
    return f"operation {key!r}{part} in {where} cannot be read; known operations are {', '.join(known)}"


@cache
def _key(operator: Any) -> str:
    """Name of an operator without its overload."""
    return operator._schema.name.removeprefix("aten::")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    operator: Any
    arguments: Bound
    name: str
    pick: int | None
    layout: Layout

    @property
    def key(self) -> str:
        return _key(self.operator)

    def tensors(self) -> tuple[list[Value], list[Constant]]:
        found = list(leaves(self.arguments))
        return [x for x in found if isinstance(x, Value)], [x for x in found if isinstance(x, Constant)]

    def fits(self, spec: Affine) -> bool:
        """Whether the call is affine in what depends on the input."""
        varying = sum(isinstance(x, Value) for f in spec.factors for x in leaves(self.arguments.get(f)))
        fixed = any(isinstance(x, Value) for f in spec.fixed for x in leaves(self.arguments.get(f)))
        return varying <= 1 and not fixed

    def splits(self, spec: Piecewise) -> bool:
        """Whether an elementwise function has one operand that depends on the input."""
        return spec.groups is not None or len(self.tensors()[0]) == 1

    def infer(self) -> tuple[int, ...]:
        """Shape of one sample's output, by a run without data; samples first."""

        def meta(leaf: Any) -> Any:
            if isinstance(leaf, Value):
                return torch.empty((2, *leaf.shape), dtype=torch.float64, device="meta")
            if isinstance(leaf, Constant):
                dtype = torch.float64 if leaf.floating else torch.int64
                return torch.empty(leaf.shape, dtype=dtype, device="meta")
            return leaf

        try:
            result = self.operator(**change(self.arguments, meta))
        except (RuntimeError, IndexError, ValueError) as error:
            inputs = [value.shape for value in self.tensors()[0]]
            raise ModelError(
                f"{self.key!r} in module {self.name!r} cannot take a sample of shape {inputs}: "
                f"{str(error).splitlines()[0]}; pass an example of the shape that the model expects"
            ) from error
        result = result if self.pick is None else result[self.pick]
        return tuple(result.shape[1:])

    def formula(self, function: Callable[..., Any], arguments: Bound) -> Formula:
        """Compile a call of ``function``; ``arguments`` holds the same values and constants in the same order."""
        values, constants = self.tensors()
        slots = iter(range(len(values)))
        held = {id(constant): Held(index=i) for i, constant in enumerate(constants)}
        pick, layout, layouts = self.pick, self.layout, [value.layout for value in values]

        def compiled(leaf: Any) -> Any:
            if isinstance(leaf, Value):
                return Slot(index=next(slots))
            if isinstance(leaf, Zero):
                return Zero(leaf=held[id(leaf.leaf)])
            return held[id(leaf)] if isinstance(leaf, Constant) else leaf

        template = change(arguments, compiled)

        def run(tensors: Sequence[Tensor], held_values: Sequence[Tensor], samples: int) -> Tensor:
            captured = [place.restore(tensor) for place, tensor in zip(layouts, tensors, strict=True)]
            result = function(**fill(template, captured, held_values, samples))
            return layout.store(result if pick is None else result[pick], samples)

        return run

    def affine(self, spec: Affine, shape: tuple[int, ...]) -> Layer:
        call = self if spec.prepare is None else replace(self, arguments=spec.prepare(self.arguments))
        function = spec.function or self.operator
        call = call if spec.function is None else replace(call, pick=None)  # replacements have one output
        values, constants = call.tensors()
        arguments = call.arguments
        linear = dict(arguments)
        for key in spec.additive:
            linear[key] = None if key == "bias" and isinstance(linear.get(key), Constant) else zeroed(linear.get(key))
        sizes = {
            key: leaf.layout.captured_shape(leaf.shape) if isinstance(leaf, Value) else leaf.shape
            for key, leaf in arguments.items()
            if isinstance(leaf, Value | Constant)
        }
        magnitude = {
            key: abs(leaf) if key in spec.scalars and isinstance(leaf, int | float) else leaf
            for key, leaf in arguments.items()
        }
        return Layer(
            name=self.name,
            operation=spec.word,
            inputs=tuple(value.index for value in values),
            kind=Kind.AFFINE,
            shape=shape,
            forward=call.formula(function, arguments),
            linear_part=_on_demand(lambda: call.formula(function, linear)),
            magnitude_part=call.formula(function, magnitude),
            length=spec.length(sizes, arguments),
            layout=self.layout,
            constants=tuple(constants),
            target=self.key,
        )

    def piecewise(self, spec: Piecewise, shape: tuple[int, ...]) -> Layer:
        values, constants = self.tensors()
        return Layer(
            name=self.name,
            operation=spec.word,
            inputs=tuple(value.index for value in values),
            kind=Kind.PIECEWISE,
            shape=shape,
            forward=self.formula(self.operator, self.arguments),
            rule_part=spec.rule(self.arguments, values, shape, self.layout),
            layout=self.layout,
            constants=tuple(constants),
            target=self.key,
        )

    def smooth(self, word: str, shape: tuple[int, ...]) -> Layer:
        values, constants = self.tensors()
        return Layer(
            name=self.name,
            operation=word,
            inputs=tuple(value.index for value in values),
            kind=Kind.SMOOTH,
            shape=shape,
            forward=self.formula(self.operator, self.arguments),
            layout=self.layout,
            constants=tuple(constants),
            target=self.key,
        )


def _on_demand(make: Callable[[], Formula]) -> Formula:
    """A formula that is compiled when it is first asked for: few linear parts ever are."""
    made: list[Formula] = []

    def run(values: Sequence[Tensor], constants: Sequence[Tensor], samples: int) -> Tensor:
        if not made:
            made.append(make())
        return made[0](values, constants, samples)

    return run


def zeroed(leaf: Any) -> Any:
    """The additive constants of an argument, set to zero."""
    if isinstance(leaf, Constant):
        return Zero(leaf=leaf)
    if isinstance(leaf, bool) or not isinstance(leaf, int | float | list | tuple):
        return leaf
    return [zeroed(part) for part in leaf] if isinstance(leaf, list | tuple) else 0
