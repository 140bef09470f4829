"""Run a model under a tape, with parameters of its own that share the model's memory, and leave it as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from inscape._errors import DataError, InputError, InputTypeError, ModelError
from inscape.gradients._tape import Event, Tape, Visitor
from inscape.parameters import Borrowed, borrowed
from inscape.training._evaluate import cuda_devices, forward, moved, scalar_loss
from inscape.training._recipe import Recipe

Mode = Literal["eval", "train", "auto", "batch statistics"]

_BATCH_NORMS = nn.modules.batchnorm._BatchNorm


@dataclass(kw_only=True)
class Run:
    """What one batch left: output, loss and events, with the graph still there.

    Attributes:
        x: the batch's input on the model's device, a leaf that asks for a gradient if one was wanted.
        y: labels or targets on the model's device.
        output: the model's output.
        events: what was called, in order.
        batch_statistics: names of normalisation layers that used the batch's own statistics.
        random: names of functions that drew at random.
    """

    x: Tensor
    y: Tensor
    output: Tensor
    events: list[Event]
    batch_statistics: list[str] = field(default_factory=list)
    random: list[str] = field(default_factory=list)

    @property
    def samples(self) -> int:
        """Number of samples in the batch."""
        return len(self.x)


@dataclass(kw_only=True)
class Watched:
    """A model that is being watched.

    Attributes:
        model: the module.
        function: the model as a function of input and parameters.
        leaves: name → parameter of its own that asks for a gradient and shares the model's memory.
        names: identity of a leaf → its name.
        mode: ``"eval"``, ``"train"`` or ``"batch statistics"``, as it was set.
    """

    model: nn.Module
    function: Borrowed
    leaves: dict[str, Tensor]
    names: dict[int, str]
    mode: str

    def run(self, x: Tensor, y: Tensor, visit: Visitor, *, input_gradient: bool = False) -> Run:
        """Run a batch.

        Args:
            x: (n, *shape) samples.
            y: (n, ...) labels or targets.
            visit: told of each layer and activation.
            input_gradient: whether the gradient reaches the input, where that is of a floating type.

        Returns:
            What was seen.
        """
        x, y = moved(self.model, x, y)
        if input_gradient and x.is_floating_point():
            x = x.detach().clone().requires_grad_()
        prefix = "exported." if hasattr(self.model, "exported") else ""
        tape = Tape(self.names, visit, prefix=prefix)

        def watch(given: Tensor) -> Any:
            with tape:
                return self.function(given, self.leaves)

        output = forward(watch, x)
        return Run(
            x=x,
            y=y,
            output=output,
            events=tape.events,
            batch_statistics=[event.name for event in tape.events if _uses_batch(event)],
            random=tape.random,
        )


def _uses_batch(event: Event) -> bool:
    if event.operation != "batch_norm":
        return False
    return bool(event.arguments.get("training")) or event.arguments.get("running_mean") is None


def mode_of(model: nn.Module, mode: Mode) -> str:
    """Which mode a model is looked at in.

    Args:
        model: the module.
        mode: ``"eval"``, ``"train"``, or ``"auto"``: ``"eval"``, but with the batch's own statistics while batch
            normalisation has seen no batch yet, so that its running statistics say nothing.

    Returns:
        ``"eval"``, ``"train"`` or ``"batch statistics"``.

    Raises:
        InputError: if there is no such mode.
    """
    if mode not in {"eval", "train", "auto", "batch statistics"}:
        raise InputError(f"expected mode as 'eval', 'train' or 'auto', got {mode!r}")
    if mode != "auto":
        return mode
    counts = [m.num_batches_tracked for m in model.modules() if isinstance(m, _BATCH_NORMS)]
    return "batch statistics" if any(count is not None and not int(count) for count in counts) else "eval"


@contextmanager
def watched(model: nn.Module, *, mode: Mode = "eval", gradient: bool = True) -> Iterator[Watched]:
    """Watch a model; parameters, buffers, modes, gradients and random states are then as before.

    Args:
        model: the module.
        mode: see :func:`mode_of`.
        gradient: whether gradients are wanted at all.

    Yields:
        The watched model.

    Raises:
        InputTypeError: if it is no module.
        ModelError: if its parameters have no shape yet.
    """
    if not isinstance(model, nn.Module):
        raise InputTypeError(f"expected a torch.nn.Module, got {type(model).__name__}; pass the model itself")
    if any(isinstance(p, nn.parameter.UninitializedParameter) for p in model.parameters()):
        raise ModelError("the model has lazy layers without a shape; run one batch through it first")
    chosen = mode_of(model, mode)
    modes = [(module, module.training) for module in model.modules()]
    with borrowed(model) as function, torch.random.fork_rng(devices=cuda_devices(model)):
        leaves = {name: _leaf(value, gradient) for name, value in function.parameters.items()}
        try:
            model.train(chosen == "train")
            for module, _ in modes if chosen == "batch statistics" else ():
                module.training = isinstance(module, _BATCH_NORMS)
            with torch.enable_grad() if gradient else torch.no_grad():
                names = {id(leaf): name for name, leaf in leaves.items()}
                yield Watched(model=model, function=function, leaves=leaves, names=names, mode=chosen)
        finally:
            for module, training in modes:
                module.training = training


def _leaf(value: Tensor, gradient: bool) -> Tensor:
    shared = value.detach()
    return shared.requires_grad_() if gradient and shared.is_floating_point() else shared


def mean_loss(loss: Any, output: Tensor, y: Tensor) -> Tensor:
    """The loss of a batch, checked to be a finite scalar.

    Args:
        loss: function of ``(output, y)``, or None for cross-entropy of whole-number labels and the mean squared error
            of float targets.
        output: (n, ...) what the model gave.
        y: (n, ...) labels or targets.

    Returns:
        A scalar with a graph.

    Raises:
        DataError: if the loss is not finite.
        ModelError: if no parameter has a part in the loss.
    """
    value = scalar_loss(Recipe(loss=loss), output, y)
    if not bool(torch.isfinite(value)):
        raise DataError(f"the loss is {float(value.detach())} on these data; look at the model's output and the inputs")
    if value.grad_fn is None:
        raise ModelError("the loss has no gradient: no parameter of the model has a part in it")
    return value
