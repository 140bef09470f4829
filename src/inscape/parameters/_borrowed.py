"""Evaluate a model as a function of its parameters, and prove that the model is as it was."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from inscape._errors import InputError, InputTypeError, ModelError

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


class Borrowed:
    """A model as a function ``model(x, parameters)``.

    Attributes:
        parameters: name → the model's own parameter, detached; the memory is shared, so do not write into it.
        buffers: name → a clone of the model's buffer; evaluations read and write these clones.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.parameters: dict[str, Tensor] = {name: p.detach() for name, p in model.named_parameters()}
        self.buffers: dict[str, Tensor] = {name: b.detach().clone() for name, b in model.named_buffers()}
        self._places = _places(model)

    def __call__(self, x: Any, parameters: Mapping[str, Tensor] | None = None) -> Any:
        """Evaluate the model.

        Args:
            x: the model's input.
            parameters: name → value in place of the model's own; missing names keep their own value. Gradients and
                the transforms of ``torch.func`` pass through them.

        Returns:
            The model's output.

        Raises:
            InputError: if a name is not a parameter of the model.
        """
        given = dict(parameters or {})
        strange = sorted(given.keys() - self.parameters.keys())
        if strange:
            raise InputError(
                f"expected names of parameters, got {strange[0]!r}; known are {', '.join(list(self.parameters)[:8])}"
            )
        held = {**self.parameters, **self.buffers, **given}
        # every place is named here, because torch's own tying restores a module that occurs twice wrongly
        return functional_call(
            self._model, {place: held[name] for place, name in self._places.items()}, (x,), tie_weights=False
        )


def _places(model: nn.Module) -> dict[str, str]:
    """Place of every tensor, each module taken once → the name by which the tensor is known."""
    known = {id(tensor): name for name, tensor in [*model.named_parameters(), *model.named_buffers()]}
    found = {}
    for path, module in model.named_modules():
        for name, tensor in [*module._parameters.items(), *module._buffers.items()]:
            if tensor is not None:
                found[f"{path}.{name}" if path else name] = known[id(tensor)]
    return found


@contextmanager
def borrowed(model: nn.Module) -> Iterator[Borrowed]:
    """Borrow a model: evaluate it with other parameters and cloned buffers, then prove that it is unchanged.

    The mode is the model's own. Parameters, buffers, gradients, mode, hooks and ``requires_grad`` are compared on the
    way out; torch's random state is put back.

    Args:
        model: the model.

    Yields:
        The model as a function of input and parameters.

    Raises:
        InputTypeError: if ``model`` is no module.
        ModelError: if the block has changed the model; says what.

    Example:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> with borrowed(layer) as function:
        ...     float(function(torch.ones(1, 1), {"weight": torch.full((1, 1), 3.0)}))
        3.0
    """
    if not isinstance(model, nn.Module):
        raise InputTypeError(f"expected a torch.nn.Module, got {type(model).__name__}")
    before = _state(model)
    with torch.random.fork_rng(devices=[]):
        yield Borrowed(model)
    after = _state(model)
    changed = [name for name in before | after if not _same(before.get(name), after.get(name))]
    if changed:
        raise ModelError(f"expected the borrowed model to stay as it was, but changed: {', '.join(changed)}")


def _state(model: nn.Module) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for path, module in model.named_modules():
        state[f"mode of {path or 'the model'}"] = module.training
        state[f"hooks of {path or 'the model'}"] = [list(getattr(module, kind)) for kind in _HOOKS]
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        gradient = tensor.grad if tensor.is_leaf else None
        state[name] = (tensor, tensor.detach().clone())
        state[f"requires_grad of {name}"] = tensor.requires_grad
        state[f"gradient of {name}"] = (gradient, None if gradient is None else gradient.detach().clone())
    return state


def _same(old: Any, new: Any) -> bool:
    """Equal flags; for tensors the same object with the same bits."""
    if not isinstance(old, tuple) or not isinstance(new, tuple):
        return old == new
    if old[0] is not new[0]:
        return False
    return old[1] is new[1] or (old[1].shape == new[1].shape and _bits(old[1]) == _bits(new[1]))


def _bits(tensor: Tensor) -> bytes:
    return tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
