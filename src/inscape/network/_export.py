"""The export front end: any model through ``torch.export`` with a dynamic batch."""

import copy
import logging
import operator
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from typing import Any

import torch
from torch import Tensor, nn

from inscape._errors import ModelError, UnsupportedLayerError
from inscape.network._affine import NEUTRAL
from inscape.network._arrangement import Arrangement, mixed
from inscape.network._builder import Builder, Value, unknown
from inscape.network._exported_model import ExportedModel
from inscape.network._layer import Constant, as_double
from inscape.network._template import Held, Size, change, fill, leaves

_LOGS = (
    "torch.fx.experimental.symbolic_shapes",
    "torch._export.serde.serialize",
    "torch._subclasses.fake_tensor",
    "torch.export",
)
_SHAPE_ONLY = frozenset({
    "zeros_like", "ones_like", "full_like", "empty_like", "new_zeros", "new_ones", "new_full", "new_empty",
})  # fmt: skip
_BATCH_STATISTICS = frozenset({"_native_batch_norm_legit", "native_batch_norm", "batch_norm", "cudnn_batch_norm"})
_SEEDED_BUT_STILL = frozenset({"lstm", "gru", "rnn_tanh", "rnn_relu", "scaled_dot_product_attention", "rrelu"})


def shared_copy(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode that shares every tensor with the model.

    Args:
        model: the model, not touched.

    Returns:
        The copy.

    Raises:
        ModelError: if the model cannot be copied.
    """
    memo: dict[int, Any] = {}
    for module in model.modules():
        held = [*module._parameters.values(), *module._buffers.values(), *module.__dict__.values()]
        memo |= {id(tensor): tensor for tensor in held if isinstance(tensor, Tensor)}
    try:
        with quiet():
            return copy.deepcopy(model, memo=memo).eval()
    except (TypeError, RuntimeError, AttributeError) as error:
        raise ModelError(f"the model cannot be copied for reading: {_first_line(error)}") from error


def exported(model: nn.Module, example: Tensor) -> Any:
    """The functional graph of the model in evaluation, with a dynamic batch.

    Args:
        model: the model, not touched.
        example: (2, *shape) input.

    Returns:
        The exported program.

    Raises:
        ModelError: if the model cannot be traced, because of control flow on values, a fixed batch or the example.
    """
    if isinstance(model, ExportedModel):
        with quiet():
            return model.program.held.run_decompositions({})
    still = shared_copy(model)
    batch = torch.export.Dim("batch")
    with quiet(), torch.random.fork_rng(devices=[]):
        try:
            program = torch.export.export(still, (example,), dynamic_shapes=({0: batch},))
            return program.run_decompositions({})
        except Exception as error:
            raise ModelError(_explained(error, example)) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep torch from printing graphs and warnings while it traces; what went wrong is in its exception."""
    logs = [logging.getLogger(name) for name in _LOGS]
    for log in logs:
        log.addFilter(_nothing_passes)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for log in logs:
            log.removeFilter(_nothing_passes)


def _nothing_passes(record: logging.LogRecord) -> bool:
    return False


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _explained(error: Exception, example: Tensor) -> str:
    text = str(error)
    shape = tuple(example.shape[1:])
    if "data-dependent" in text or "DataDependent" in type(error).__name__ or "control flow" in text:
        return (
            f"the model takes decisions on values of the input (data-dependent control flow): {_first_line(error)}; "
            "write them with torch.where, torch.maximum or torch.clamp"
        )
    if "Constraints violated" in text or "specialized" in text:
        return (
            "the model works only with a fixed number of samples; write shapes with x.shape[0] instead of numbers "
            f"({_first_line(error)})"
        )
    return f"the model could not be traced on samples of shape {shape}: {_first_line(error)}; check the example"


def capture(model: nn.Module, example: Tensor) -> tuple[Builder, Value]:
    """Read a model through its exported graph.

    Args:
        model: the model, not touched.
        example: (2, *shape) input on the model's device.

    Returns:
        The builder and the output.

    Raises:
        ModelError: if the model cannot be traced, mixes samples, changes its buffers or has no single output tensor.
        UnsupportedLayerError: if an operation cannot be read.
    """
    program = exported(model, example)
    return _Walk(model, program, tuple(example.shape[1:])).run()


class _Walk:
    """Goes through the nodes of an exported graph once."""

    def __init__(self, model: nn.Module, program: Any, shape: tuple[int, ...]) -> None:
        self.model = model
        self.program = program
        self.builder = Builder(shape)
        self.known: dict[Any, Any] = {}
        self.arrangement = Arrangement(None)

    def run(self) -> tuple[Builder, Value]:
        specs = {spec.arg.name: spec for spec in self.program.graph_signature.input_specs}
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self.known[node] = self._placeholder(node, specs[node.name])
            elif node.op == "call_function" and node.users:
                self.known[node] = self._call(node)
            elif node.op == "get_attr" and node.users:
                raise UnsupportedLayerError(unknown(f"control flow ({node.target})", _path(node)))
        return self.builder, self._output()

    def _placeholder(self, node: Any, spec: Any) -> Any:
        kind = spec.kind.name
        if kind == "USER_INPUT":
            self._check_input(node.meta["val"].shape)
            self.arrangement = Arrangement(node.meta["val"].shape[0].node.expr)
            return self.builder.input
        if kind not in ("PARAMETER", "BUFFER", "CONSTANT_TENSOR"):
            raise UnsupportedLayerError(unknown(f"{kind.lower()} {spec.target}", ""))
        owner = self.model.exported if isinstance(self.model, ExportedModel) else self.model
        tensor = _attribute(owner, spec.target)
        if not isinstance(tensor, Tensor) or tensor.shape != node.meta["val"].shape:
            tensor = self.program.constants[spec.target]
        return Constant.live(tensor)

    def _check_input(self, shape: torch.Size) -> None:
        """Only a model from a file can have been traced on other samples than the example."""
        expected = self.builder.input.shape
        if self.arrangement.symbol is not None or not shape or isinstance(shape[0], int):
            raise ModelError("expected one input with a dynamic batch; export the model with inscape.network.save_pt2")
        if tuple(shape[1:]) != expected:
            raise ModelError(f"the model takes samples of shape {tuple(shape[1:])}, got an example of shape {expected}")

    def _output(self) -> Value:
        outputs = self.program.graph_signature.output_specs
        changed = [spec.target for spec in outputs if "BUFFER_MUTATION" in spec.kind.name]
        if changed:
            raise ModelError(f"the model changes its buffer {changed[0]!r} in evaluation; its output is not a function")
        last = next(node for node in self.program.graph.nodes if node.op == "output")
        named = {node.name: node for node in last.all_input_nodes}
        results = [spec.arg.name for spec in outputs if spec.kind.name == "USER_OUTPUT" and hasattr(spec.arg, "name")]
        if len(results) != 1:
            raise ModelError(f"expected a model with one output tensor, got {len(results)}; wrap it to return one")
        value = self.known[named[results[0]]]
        if not isinstance(value, Value):
            raise ModelError("the output of the model does not depend on its input")
        if not value.layout.plain:
            raise ModelError("expected the samples in the first dimension of the output; move it there")
        return value

    def _call(self, node: Any) -> Any:
        arguments = change(list(node.args), self._resolved)
        target = node.target
        if target is operator.getitem:
            return self._item(arguments[0], arguments[1], node)
        if not isinstance(target, torch._ops.OpOverload):
            return self._number(target, arguments, node)
        if target._schema.name in ("aten::sym_size", "aten::sym_numel"):
            return self._size(arguments)
        bound = {argument.name: argument.default_value for argument in target._schema.arguments}
        names = list(bound)
        bound |= dict(zip(names, arguments, strict=False)) | change(dict(node.kwargs), self._resolved)
        if isinstance(node.meta.get("val"), tuple | list):
            return _Several(target=target, bound=bound)
        return self._made(target, bound, node, None)

    def _resolved(self, leaf: Any) -> Any:
        return self.known.get(leaf, leaf) if isinstance(leaf, torch.fx.Node) else leaf

    def _item(self, source: Any, index: int, node: Any) -> Any:
        if isinstance(source, _Several):
            return self._made(source.target, source.bound, node, index)
        return source[index]

    def _number(self, target: Any, arguments: list[Any], node: Any) -> Any:
        """Arithmetic on sizes."""
        if any(isinstance(leaf, Value | Constant) for leaf in leaves(arguments)) or not callable(target):
            raise UnsupportedLayerError(unknown(str(target), _path(node)))
        if not any(isinstance(leaf, Size) for leaf in leaves(arguments)):
            return target(*arguments)
        return Size(evaluate=lambda samples: target(*fill(arguments, (), (), samples)))

    def _size(self, arguments: list[Any]) -> Any:
        source, *axis = arguments
        if isinstance(source, Constant):
            return source.shape[axis[0]] if axis else torch.Size(source.shape).numel()

        def size(samples: int) -> int:
            shape = torch.Size(source.layout.captured_shape(source.shape, samples))
            return shape[axis[0]] if axis else shape.numel()

        return Size(evaluate=size)

    def _made(self, target: Any, bound: dict[str, Any], node: Any, pick: int | None) -> Any:
        key = target._schema.name.removeprefix("aten::")
        path = _path(node)
        _refuse_random(target, key, bound, path)
        values = [leaf for leaf in leaves(bound) if isinstance(leaf, Value)]
        if values and key in _SHAPE_ONLY:
            bound, values = change(bound, _blank), []
        if not values:
            return self._constant(target, bound, node, pick)
        inputs = [(value.shape, value.layout) for value in values]
        placed = self.arrangement.layout(key, node.meta["val"].shape, inputs=inputs, path=path)
        if placed is None:
            raise ModelError(mixed(key, path))
        shape, layout = placed
        if key == "squeeze" and "dim" not in bound:  # it would also remove the dimension of a single sample
            target = torch.ops.aten.view.default
            bound = {"self": bound["self"], "size": Size(evaluate=lambda n: layout.captured_shape(shape, n))}
        return self.builder.add(target, _in_double(bound), name=path or key, pick=pick, shape=shape, layout=layout)

    def _constant(self, target: Any, bound: dict[str, Any], node: Any, pick: int | None) -> Any:
        """A tensor that does not depend on the input's values: folded, or a node if it depends on their number."""
        key = target._schema.name.removeprefix("aten::")
        constants = [leaf for leaf in leaves(bound) if isinstance(leaf, Constant)]
        held = {id(constant): Held(index=i) for i, constant in enumerate(constants)}
        template = change(_in_double(bound), lambda leaf: held.get(id(leaf), leaf))

        def evaluate(values: Any, samples: int) -> Tensor:
            result = target(**fill(template, (), values, samples))
            return as_double(result if pick is None else result[pick])

        fake = node.meta["val"]
        placed = self.arrangement.layout(key, fake.shape, inputs=[], path=_path(node))
        if placed is None:
            return Constant(
                evaluate=lambda: evaluate([constant.evaluate() for constant in constants], 1),
                shape=tuple(int(side) for side in fake.shape),
                floating=fake.dtype.is_floating_point,
                parameters=tuple(p for constant in constants for p in constant.parameters),
            )
        shape, layout = placed
        return self.builder.source(
            lambda _values, held_values, samples: layout.store(evaluate(held_values, samples), samples).clone(),
            tuple(constants),
            shape=shape,
            name=_path(node) or key,
            layout=layout,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Several:
    """A call with several outputs, made when one of them is picked."""

    target: Any
    bound: dict[str, Any]


def _refuse_random(target: Any, key: str, bound: dict[str, Any], path: str) -> None:
    where = f"in module {path!r}" if path else "in the model's own forward"
    if key in _BATCH_STATISTICS:
        raise UnsupportedLayerError(
            f"batch normalisation {where} uses the statistics of the batch also in evaluation; "
            "use running statistics (track_running_stats=True, training=False)"
        )
    dropped = any(bound.get(name) for name in ("train", "training")) or bound.get("dropout_p")
    seeded = torch.Tag.nondeterministic_seeded in target.tags and key not in _SEEDED_BUT_STILL | set(NEUTRAL)
    if dropped or seeded:
        raise UnsupportedLayerError(
            f"operation {key!r} {where} is random also in evaluation; give it training=self.training"
        )


def _path(node: Any) -> str:
    """Path of the innermost module that made the node."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    return stack[-1][0].split("@")[0] if stack and isinstance(stack[-1][0], str) else ""


def _attribute(model: nn.Module, target: str) -> Any:
    found: Any = model
    for part in target.split("."):
        found = getattr(found, part, None)
    return found


def _blank(leaf: Any) -> Any:
    """A tensor of the right shape in place of a value of which only the shape matters."""
    if not isinstance(leaf, Value):
        return leaf
    return Size(evaluate=lambda n: torch.empty(leaf.layout.captured_shape(leaf.shape, n), dtype=torch.float64))


def _in_double(bound: dict[str, Any]) -> dict[str, Any]:
    """The arguments with floating dtypes turned to float64 and devices to the CPU."""
    changed = dict(bound)
    if isinstance(bound.get("dtype"), torch.dtype) and bound["dtype"].is_floating_point:
        changed["dtype"] = torch.float64
    if bound.get("device") is not None:
        changed["device"] = torch.device("cpu")
    return changed
