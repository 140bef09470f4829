"""Read any model into a list of operations."""

from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inscape._errors import InputTypeError, ModelError
from inscape.network import _direct
from inscape.network._exported_model import ExportedModel
from inscape.network._head import finish
from inscape.network._network import Network
from inscape.network._onnx_model import OnnxModel


def read(model: nn.Module | Network, example: Any = None) -> Network:
    """Read a model in evaluation mode, whatever mode it is in.

    Trees of ``nn.Sequential`` over known layers are read directly, everything else through ``torch.export`` with a
    dynamic batch. Wrappers by ``torch.compile`` and for data parallelism are looked through. The model is not changed.

    Args:
        model: the model; a network is returned as it is.
        example: (n, *shape) input, n ≥ 1, as array or tensor; its values do not matter. Not needed where the
            first layer says the shape, as a Linear does, nor for a model from a ``.pt2`` or ``.onnx`` file.

    Returns:
        The network, which follows the model's live parameters.

    Raises:
        InputTypeError: if the model is no module.
        ModelError: if weights are not finite, or the example is missing or does not fit.
        UnsupportedLayerError: if an operation cannot be read.

    Example:
        >>> read(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))).units
        3
    """
    if isinstance(model, Network):
        return model
    if not isinstance(model, nn.Module):
        raise InputTypeError(f"expected a torch.nn.Module, got {type(model).__name__}; pass the model itself")
    model = _unwrapped(model)
    _check_finite(model)
    if example is None and isinstance(model, ExportedModel | OnnxModel) and (shape := model.sample_shape()) is not None:
        example = np.zeros((1, *shape))
    leaves = _direct.leaves_of(model)
    if leaves is not None:
        found = list(leaves)
        shape = _input_shape(found) if example is None else _sample_shape(model, example)
        made = _direct.build(iter(found), shape)
        if made is not None:
            return finish(*made)
    from inscape.network._export import capture
    from inscape.network._selfcheck import check_capture

    if example is None:
        raise ModelError(_MISSING)
    batch = as_example(model, example)
    network = finish(*capture(model, batch))
    check_capture(network, model, batch)
    return network


_MISSING = "the shape of the input is not known from the model; pass example=, one batch of inputs such as x[:1]"


def _unwrapped(model: nn.Module) -> nn.Module:
    """The model inside ``torch.compile`` or a data-parallel wrapper, which compute the same."""
    while True:
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        elif (
            isinstance(inner := model._modules.get("_orig_mod"), nn.Module)
            and type(model).__name__ == "OptimizedModule"
        ):
            model = inner
        else:
            return model


def _input_shape(leaves: list[tuple[str, nn.Module]]) -> tuple[int, ...]:
    for _, module in leaves:
        if type(module) is nn.Linear:
            return (module.in_features,)
        if type(module) not in _direct.ELEMENTWISE:
            break
    raise ModelError(_MISSING)


def as_example(model: nn.Module, example: Any) -> Tensor:
    """A batch of two samples on the model's device and in its dtype.

    Args:
        model: the model.
        example: (n, *shape) array or tensor.

    Returns:
        (2, *shape) tensor.

    Raises:
        ModelError: if the example holds no sample or is no array of numbers.
    """
    try:
        tensor = (
            example.detach() if isinstance(example, Tensor) else torch.from_numpy(np.array(example, dtype=np.float64))
        )
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"expected example to be an array or tensor of numbers, got {type(example).__name__}"
        ) from error
    if tensor.ndim == 0 or tensor.shape[0] == 0 or not tensor.numel():
        raise ModelError(f"expected example to be a batch (n, *shape) with n ≥ 1, got shape {tuple(tensor.shape)}")
    like = _floating_tensor(model)
    if like is None:
        tensor = tensor[:2] if tensor.is_floating_point() else tensor[:2].to(torch.get_default_dtype())
    else:
        tensor = tensor[:2].to(device=like.device, dtype=like.dtype)
    return tensor if len(tensor) == 2 else torch.cat([tensor, tensor])


def _check_finite(model: nn.Module) -> None:
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if nn.parameter.is_lazy(tensor):
            raise ModelError(f"expected initialised parameters, got the lazy {name!r}; run the model once first")
        if tensor.is_floating_point() and not _finite(tensor.detach()):
            raise ModelError(f"expected finite weights, got NaN or infinity in {name!r}")


def _finite(tensor: Tensor) -> bool:
    """Whether all entries are finite: so if their sum is; a sum can overflow, and then every entry is looked at."""
    return isfinite(tensor.sum().item()) or bool(torch.isfinite(tensor).all())


def _sample_shape(model: nn.Module, example: Any) -> tuple[int, ...]:
    """Shape of one sample of an example."""
    if isinstance(example, np.ndarray) and example.size and example.ndim and example.dtype.kind in "fiu":
        return example.shape[1:]
    return tuple(as_example(model, example).shape[1:])


def _floating_tensor(model: nn.Module) -> Tensor | None:
    """A tensor of the model that tells its device and dtype."""
    held = [*model.parameters(), *model.buffers()]
    for module in model.modules():
        held += [value for value in module.__dict__.values() if isinstance(value, Tensor)]
    return next((tensor for tensor in held if tensor.is_floating_point()), None)
