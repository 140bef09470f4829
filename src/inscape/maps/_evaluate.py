"""Outputs of a module and their gradients with respect to the input, without touching the module."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from inscape._errors import InputTypeError, InscapeError, ModelError


def detached_copy(model: nn.Module, dtype: torch.dtype | None = None) -> Callable[[Tensor], Any]:
    """Make a function that evaluates a module in evaluation mode.

    The parameters' memory is shared, but they ask for no gradient; buffers are copies. Whatever the module does to
    its state while it runs, the original does not see it.

    Args:
        model: the module.
        dtype: type to convert parameters and buffers to, None to keep theirs.

    Returns:
        A function from a batch to the module's output.
    """
    shared = {id(parameter): parameter for parameter in model.parameters()}
    twin = deepcopy(model, memo=shared).eval()
    tensors = {name: tensor.detach() for name, tensor in twin.named_parameters()}
    tensors |= dict(twin.named_buffers())
    if dtype is not None:
        tensors = {name: t.to(dtype) if t.is_floating_point() else t for name, t in tensors.items()}

    def evaluate(x: Tensor) -> Any:  # whatever the module returns; outputs_of checks it
        return functional_call(twin, tensors, (x,))

    return evaluate


def home_of(model: nn.Module) -> tuple[torch.dtype, torch.device]:
    """Floating type and device of a module: those of its first floating parameter or buffer.

    Args:
        model: the module.

    Returns:
        The type and the device; float32 on the processor for a module without any.

    Raises:
        InputTypeError: if it is no module.
    """
    if not isinstance(model, nn.Module):
        raise InputTypeError(f"expected a torch.nn.Module, got {type(model).__name__}; pass the model itself")
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            return tensor.dtype, tensor.device
    return torch.float32, torch.device("cpu")


def outputs_of(evaluate: Callable[[Tensor], Any], x: Tensor) -> Tensor:
    """Evaluate a batch and check that one row of finite outputs comes back for every sample.

    Args:
        evaluate: the model as a function.
        x: (n, *shape) samples.

    Returns:
        (n, k) outputs.

    Raises:
        ModelError: if the model does not take the samples, or its outputs are not finite or of another shape.
    """
    try:
        outputs = evaluate(x)
    except (RuntimeError, ValueError, IndexError) as error:
        raise ModelError(
            f"the model does not take samples of shape {tuple(x.shape[1:])}, the shape of the plane's points; "
            f"it says: {str(error).splitlines()[0]}"
        ) from error
    if not isinstance(outputs, Tensor):
        raise ModelError(f"expected the model to return one tensor, got {type(outputs).__name__}")
    outputs = outputs.unsqueeze(1) if outputs.ndim == 1 else outputs
    if outputs.ndim != 2 or len(outputs) != len(x) or outputs.shape[1] == 0:
        raise ModelError(
            f"expected outputs of shape (n, classes) for n = {len(x)} samples, got {tuple(outputs.shape)}; "
            "wrap the model in one that flattens or averages its output"
        )
    if not torch.isfinite(outputs).all():
        raise ModelError("the model gives NaN or infinity on this plane; check its weights and the window")
    return outputs


def head_of(model: nn.Module, example: np.ndarray, outputs: Tensor) -> str:
    """Find the smooth head that turns a model's outputs into probabilities.

    The model is read as exact geometry reads it. Where it cannot be read, outputs of at least two columns that are
    never negative and sum to one are taken for those of a softmax, all others for outputs without a head.

    Args:
        model: the module.
        example: (1, *shape) sample.
        outputs: (n, k) outputs on some samples.

    Returns:
        ``"Softmax"``, ``"LogSoftmax"``, ``"Sigmoid"`` or ``""``.
    """
    from inscape.network import read

    try:
        return read(model, example=example).head or ""
    except InscapeError:
        sums = outputs.double().sum(1)
        sure = outputs.shape[1] > 1 and bool((outputs >= 0).all()) and bool(((sums - 1).abs() < 1e-4).all())
        return "Softmax" if sure else ""


def logits_of(outputs: Tensor, head: str) -> Tensor:
    """Undo a head, up to a constant that is the same for all classes.

    Args:
        outputs: (n, k) outputs in float64 where there is a head.
        head: name of the head.

    Returns:
        (n, k) values whose differences are those of the head's input.
    """
    tiny = torch.finfo(outputs.dtype).tiny
    if head == "Softmax":
        return outputs.clamp_min(tiny).log()
    if head == "Sigmoid":
        return outputs.clamp_min(tiny).log() - (1 - outputs).clamp_min(tiny).log()
    return outputs


def first_order_distances(
    logits: Tensor, x: Tensor, axes: Tensor, *, rivals: int | None = None
) -> tuple[Tensor, Tensor]:
    r"""First-order distance to the boundary between the largest output and any other.

    One backward pass for each other rank gives the gradient of the difference itself, so that nothing cancels.

    Args:
        logits: (n, k) outputs, k ≥ 2, with a graph that leads to ``x``.
        x: (n, *shape) samples that ask for a gradient.
        axes: (D, 2) orthonormal directions of the plane.
        rivals: how many of the next largest outputs to look at, None for all.

    Returns:
        (n,) distances in input space and (n,) distances within the plane; infinite where the slope is zero.
    """
    ranked = logits.sort(dim=1, descending=True).values
    shortest = [torch.full((len(x),), torch.inf, dtype=torch.float64, device=x.device) for _ in range(2)]
    most = logits.shape[1] - 1 if rivals is None else min(rivals, logits.shape[1] - 1)
    for rank in range(1, most + 1) if logits.requires_grad else ():
        gap = ranked[:, 0] - ranked[:, rank]
        last = rank == most
        (slope,) = torch.autograd.grad(gap.sum(), x, retain_graph=not last, materialize_grads=True)
        slope = slope.flatten(1)
        for best, norm in zip(shortest, (slope.norm(dim=1), (slope @ axes).norm(dim=1)), strict=True):
            distance = torch.where(norm > 0, gap.detach().double() / norm.double(), torch.inf)
            torch.minimum(best, distance, out=best)
    return shortest[0], shortest[1]
