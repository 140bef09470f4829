"""Prove that a piece of code leaves a model and the random states as they were."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_state_dict_hooks")


@contextmanager
def unchanged(*models: nn.Module) -> Iterator[None]:
    """Compare models and the global random states bit for bit before and after a block.

    Compared are parameters, buffers, plain tensor attributes, gradients, the tensors' identity, training flags, hooks,
    ``requires_grad``, and the random states of torch, numpy and Python.

    Args:
        *models: the models that the block must not change.

    Yields:
        Nothing.

    Raises:
        AssertionError: naming what has changed.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> with unchanged(layer):
        ...     _ = layer(torch.ones(1, 2))
    """
    before = [_state(model) for model in models]
    randomness = _random_states()
    yield
    changed = [name for name, value in _random_states().items() if value != randomness[name]]
    for model, old in zip(models, before, strict=True):
        new = _state(model)
        names = old.keys() | new.keys()
        changed += [name for name in sorted(names) if not _same(old.get(name), new.get(name))]
    if changed:
        raise AssertionError(f"expected everything as it was, but changed: {', '.join(changed)}")


def _state(model: nn.Module) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for path, module in model.named_modules():
        state[f"{path}.training"] = module.training
        state[f"{path} class"] = id(type(module))
        for kind in _HOOKS:
            state[f"{path}.{kind}"] = [(key, id(hook)) for key, hook in getattr(module, kind).items()]
        for name, held in [*module._parameters.items(), *module._buffers.items(), *module.__dict__.items()]:
            if isinstance(held, Tensor):
                state[f"{path}.{name}"] = _tensor(held)
    return state


def _tensor(tensor: Tensor) -> tuple[Any, ...]:
    gradient = tensor.grad if tensor.is_leaf else None
    described = (id(tensor), tensor.data_ptr(), tensor.requires_grad, str(tensor.dtype), str(tensor.device))
    return (*described, _bits(tensor), None if gradient is None else (id(gradient), _bits(gradient)))


def _bits(tensor: Tensor) -> tuple[tuple[int, ...], bytes]:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return tuple(tensor.shape), flat.view(torch.uint8).numpy().tobytes()


def _same(old: Any, new: Any) -> bool:
    return old is not None and new is not None and old == new


def _random_states() -> dict[str, Any]:
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002 (the global state is what is watched)
    return {
        "random state of torch": torch.get_rng_state().numpy().tobytes(),
        "random state of numpy": (kind, np.asarray(keys).tobytes(), *rest),
        "random state of Python": random.getstate(),
    }
