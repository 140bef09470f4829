"""What a model does with a batch: every layer and activation, seen without a hook on the model."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from types import FunctionType
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from inscape.gradients._activations import OPERATIONS, Activation

Kind = Literal["linear", "convolution", "normalisation", "embedding", "attention", "activation", "other"]

_PARAMETRIC: dict[Callable[..., Any], tuple[Kind, str]] = {
    F.linear: ("linear", "linear"),
    torch.matmul: ("linear", "matmul"),
    Tensor.matmul: ("linear", "matmul"),
    Tensor.__matmul__: ("linear", "matmul"),
    torch.mm: ("linear", "matmul"),
    torch.conv1d: ("convolution", "conv1d"),
    torch.conv2d: ("convolution", "conv2d"),
    torch.conv3d: ("convolution", "conv3d"),
    torch.conv_transpose1d: ("convolution", "conv_transpose1d"),
    torch.conv_transpose2d: ("convolution", "conv_transpose2d"),
    torch.conv_transpose3d: ("convolution", "conv_transpose3d"),
    F.embedding: ("embedding", "embedding"),
    F.batch_norm: ("normalisation", "batch_norm"),
    F.layer_norm: ("normalisation", "layer_norm"),
    F.group_norm: ("normalisation", "group_norm"),
    F.instance_norm: ("normalisation", "instance_norm"),
    F.rms_norm: ("normalisation", "rms_norm"),
    F.scaled_dot_product_attention: ("attention", "attention"),
}

_ENTERED = (F.multi_head_attention_forward,)
"""Functions in Python whose inner calls are looked at."""

_SHAPES = frozenset({
    "view", "view_as", "reshape", "reshape_as", "flatten", "unflatten", "transpose", "permute", "squeeze", "unsqueeze",
    "contiguous", "clone", "swapaxes", "movedim", "t", "T", "mT", "to", "float", "double", "identity",
})  # fmt: skip
"""Functions that move values and change none, so that a gradient keeps its norm."""

_THROUGH = _SHAPES | {
    "dropout", "dropout1d", "dropout2d", "alpha_dropout", "max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "pad", "boolean_dispatch.<locals>.fn",
}  # fmt: skip
"""Functions behind which a layer is still fed by the layer before them."""

_IGNORED = frozenset({"size", "dim", "numel", "__get__", "__set__", "is_floating_point", "item", "backward", "detach"})


@dataclass(kw_only=True, eq=False)
class Event:
    """One call of a layer, an activation or another function that a gradient passes.

    Attributes:
        index: place in the order of calls.
        kind: what it is.
        operation: the function's name.
        name: path of the module with the parameters; for others the operation and the layer before it.
        source: index of the event that feeds it, through functions that keep values; None for the input.
        weight: the parameter, as the model used it.
        parameter: its name, empty without one.
        bias: the bias, or None.
        arguments: what else the function was called with.
        activation: the activation, for that kind.
        node: autograd node that made the output, None where no gradient passes.
        shape: shape of the output.
        handles: of the hooks on its tensors.
    """

    index: int
    kind: Kind
    operation: str
    name: str
    source: int | None = None
    weight: Tensor | None = None
    parameter: str = ""
    bias: Tensor | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    activation: Activation | None = None
    node: Any = None
    shape: tuple[int, ...] = ()
    handles: list[Any] = field(default_factory=list)

    def hook(self, tensor: Tensor, function: Callable[[Tensor], object]) -> None:
        """Call a function with the gradient that arrives at a tensor of this call, until it is released.

        Args:
            tensor: the call's output or its own input.
            function: given the gradient; what it returns is dropped.
        """

        def arrived(gradient: Tensor) -> None:
            function(gradient)

        self.handles.append(tensor.register_hook(arrived))


def leaf_node(tensor: Tensor) -> Any:
    """Where a leaf stands in autograd's graph.

    Args:
        tensor: a leaf, or any tensor that asks for no gradient.

    Returns:
        Its node, None for a tensor that asks for no gradient.
    """
    view = tensor.view_as(tensor)
    return None if view.grad_fn is None else view.grad_fn.next_functions[0][0]


def release(events: Iterable[Event]) -> None:
    """Take hooks off and let the graph go; it holds the hooks that hold it, which no collector finds.

    Args:
        events: the calls of a pass that is over.
    """
    for event in events:
        for handle in event.handles:
            handle.remove()
        event.handles.clear()
        event.node = None


Visitor = Callable[[Event, Tensor, Tensor], None]
"""Called with an event, its input (of its own, if a gradient passes) and its output.

A visitor with a true attribute ``bare`` gets the input as it is, and that of an in-place call as it became.
"""


@cache
def _named(function: Callable[..., Any]) -> str:
    if isinstance(function, torch._ops.OpOverload):
        return function.overloadpacket.__name__
    return getattr(function, "__name__", "") or type(function).__name__


@cache
def _opened(function: FunctionType) -> FunctionType:
    """A copy of a function of torch that does not hand itself to the tape again, so that its body runs below it."""
    scope = {**function.__globals__, "has_torch_function": lambda _: False}
    made = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


class Tape(TorchFunctionMode):
    """Watches the functions that are called inside its block and tells a visitor of each layer and activation.

    The model has no hook and runs its own code. An input that asks for a gradient is passed on as a view of itself, so
    that a visitor can hook what *this* call sends back, apart from other users of the same tensor; where the call
    works in place, the tensor itself is passed.

    Attributes:
        names: identity of a parameter → its name.
        visit: told of each event.
        events: all events so far.
        random: names of functions that drew at random.
    """

    def __init__(self, names: Mapping[int, str], visit: Visitor, *, prefix: str = "") -> None:
        super().__init__()
        self._prefix = prefix
        self.names = names
        self.visit = visit
        self._bare = bool(getattr(visit, "bare", False))
        self.events: list[Event] = []
        self.random: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the function, and record it if it is of interest."""
        kwargs = kwargs or {}
        plain = _plain(func)
        if plain in _PARAMETRIC:
            return self._parametric(func, args, kwargs)
        if plain in OPERATIONS:
            return self._activated(func, args, kwargs)
        if func in _ENTERED:
            with self:
                return _opened(func)(*args, **kwargs)
        return self._other(func, args, kwargs)

    def _record(self, event: Event, x: Tensor, output: Tensor) -> None:
        event.node = output.grad_fn
        event.shape = tuple(output.shape)
        output._inscape_event = event.index  # type: ignore[attr-defined]
        self.events.append(event)
        self.visit(event, x, output)

    def _parametric(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        kind, operation = _PARAMETRIC[_plain(func)]
        names = _argument_names(func, operation)
        given = {_ALIASES.get(name, name): value for name, value in [*zip(names, args, strict=False), *kwargs.items()]}
        x, weight = given.pop("input"), given.pop("weight", None)
        parameter = self.names.get(id(weight), "")
        if operation == "matmul" and (not parameter or weight.ndim != 2):
            return self._other(func, args, kwargs)
        source = getattr(x, "_inscape_event", None)
        own = x if self._bare else _own(x)
        returned = func(
            *(own if value is x else value for value in args),
            **{name: own if value is x else value for name, value in kwargs.items()},
        )
        output = returned[0] if isinstance(returned, tuple) else returned
        event = Event(
            index=len(self.events),
            kind=kind,
            operation=operation,
            name=self._path(parameter) or self._after(operation, source),
            source=source,
            weight=weight,
            parameter=parameter,
            bias=given.pop("bias", None),
            arguments=given,
        )
        if operation == "attention" and float(given.get("dropout_p") or 0.0) > 0:
            self.random.append(event.name)
        self._record(event, own, output)
        return returned

    def _activated(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        name = OPERATIONS[_plain(func)]
        x, rest = (args[0], args[1:]) if args else (kwargs["input"], ())
        options = {key: value for key, value in kwargs.items() if key not in {"input", "inplace"}}
        in_place = _named(func).endswith("_") or bool(kwargs.get("inplace")) or any(v is True for v in rest)
        source = getattr(x, "_inscape_event", None)
        before = x
        if in_place or self._bare:
            before = x if self._bare else x.detach().clone()
            output = func(*args, **kwargs)
        else:
            before = _own(x)
            output = func(before, *rest, **kwargs) if args else func(**{**kwargs, "input": before})
        plain = tuple(value for value in rest if not isinstance(value, bool))
        event = Event(
            index=len(self.events),
            kind="activation",
            operation=name,
            name=self._after(name, source),
            source=source,
            activation=_activation(name, plain, options),
        )
        event.arguments["in_place"] = x if in_place else None
        self._record(event, before, output)
        return output

    def _other(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        output = func(*args, **kwargs)
        if not isinstance(output, Tensor) or _named(func) in _IGNORED:
            return output
        name = _named(func).strip("_")
        given = args[0] if args else kwargs.get("input")
        source = getattr(given, "_inscape_event", None)
        if _draws(name, args, kwargs):
            self.random.append(self._after(name, source))
        kept = name in _THROUGH
        if kept and source is not None and output is not given:
            output._inscape_event = source  # type: ignore[attr-defined]
        if name in _SHAPES or output.grad_fn is None or output.grad_fn is getattr(given, "grad_fn", None):
            return output
        event = Event(
            index=len(self.events),
            kind="other",
            operation=name,
            name=self._after(name, source),
            source=source if kept else None,
        )
        self._record(event, given if isinstance(given, Tensor) else output, output)
        return output

    def _path(self, parameter: str) -> str:
        return (parameter.rpartition(".")[0] or parameter).removeprefix(self._prefix)

    def _after(self, operation: str, source: int | None) -> str:
        """Name of a call without parameters: the operation, and the layer that it follows."""
        while source is not None and not self.events[source].parameter:
            source = self.events[source].source
        before = self.events[source].name if source is not None else self._last()
        return f"{operation} after {before}" if before else operation

    def _last(self) -> str:
        return next((event.name for event in reversed(self.events) if event.parameter), "")


def _own(x: Tensor) -> Tensor:
    """The tensor as a view of its own, if it asks for a gradient."""
    return x.view_as(x) if x.requires_grad else x


def _draws(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a dropout is at work."""
    if "dropout" not in name:
        return False
    share = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
    training = kwargs.get("training", kwargs.get("train", args[2] if len(args) > 2 else True))
    return bool(training) and float(share) > 0


_CONVOLUTION = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_NORM = ("input", "running_mean", "running_var", "weight", "bias")
_SIGNATURES = {
    "linear": ("input", "weight", "bias"),
    "matmul": ("input", "weight"),
    "embedding": ("input", "weight", "padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse"),
    "batch_norm": (*_NORM, "training", "momentum", "eps"),
    "instance_norm": (*_NORM, "use_input_stats", "momentum", "eps"),
    "layer_norm": ("input", "normalized_shape", "weight", "bias", "eps"),
    "rms_norm": ("input", "normalized_shape", "weight", "eps"),
    "group_norm": ("input", "num_groups", "weight", "bias", "eps"),
    "attention": ("input", "key", "value", "attn_mask", "dropout_p", "is_causal"),
}
"""Names of positional arguments of torch's functions in Python, which have no readable signature."""

_ALIASES = {"query": "input", "self": "input", "indices": "input", "other": "weight", "mat2": "weight"}


@cache
def _argument_names(func: Any, operation: str) -> tuple[str, ...]:
    if isinstance(func, torch._ops.OpOverload):
        return tuple(argument.name for argument in func._schema.arguments)
    return _CONVOLUTION if operation.startswith("conv") else _SIGNATURES[operation]


_ATEN = {
    "matmul": torch.matmul,
    "mm": torch.mm,
    "scaled_dot_product_attention": F.scaled_dot_product_attention,
    "_native_batch_norm_legit_no_training": F.batch_norm,
    "silu": F.silu,
}


@cache
def _plain(func: Any) -> Any:
    """The function of torch that an operator of an exported program stands for; other functions as they are."""
    if not isinstance(func, torch._ops.OpOverload):
        return func
    name = _named(func)
    known = (_ATEN.get(name), getattr(F, name.rstrip("_"), None), getattr(torch, name.rstrip("_"), None))
    return next((f for f in known if f is not None and (f in _PARAMETRIC or f in OPERATIONS)), func)


def _activation(name: str, rest: tuple[Any, ...], options: dict[str, Any]) -> Activation:
    base: Any = getattr(F, name)
    told = [(f"option {i}", value) for i, value in enumerate(rest)] + list(options.items())
    scalars = tuple((key, value) for key, value in told if isinstance(value, int | float | str))
    slopes = (rest[0] if rest else options.get("weight")) if name == "prelu" else None
    return Activation(name=name, function=partial(_applied, base, rest, options), options=scalars, slopes=slopes)


def _applied(base: Any, rest: tuple[Any, ...], options: dict[str, Any], z: Tensor) -> Tensor:
    if base is F.prelu:
        return base(z, *(part.to(z.dtype) for part in (*rest, *options.values())))
    return base(z, *rest, **options)
