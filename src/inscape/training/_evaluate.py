"""How good a model is, measured without touching it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import nan
from typing import Any

import torch
from torch import nn

from inscape._errors import DataError, ModelError
from inscape.data import Batches, batches
from inscape.parameters import Borrowed, borrowed
from inscape.training._recipe import Recipe


def cuda_devices(model: nn.Module) -> list[int]:
    """Numbers of the CUDA devices that hold the model, whose random state a run may use.

    Args:
        model: the module.

    Returns:
        Sorted device numbers; empty on the CPU.
    """
    return sorted({p.device.index or 0 for p in model.parameters() if p.device.type == "cuda"})


@contextmanager
def evaluating(model: nn.Module) -> Iterator[Borrowed]:
    """Borrow a model in evaluation mode, without gradients; modes, buffers and random states are then as before.

    Args:
        model: the module.

    Yields:
        The model as a function of its input.
    """
    modes = [(module, module.training) for module in model.modules()]
    with torch.random.fork_rng(devices=cuda_devices(model)), torch.no_grad():
        try:
            model.eval()
            yield Borrowed(model)
        finally:
            for module, mode in modes:
                module.training = mode


def moved(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch on the model's device, floats of ``x`` in the model's type, whole-number labels as int64.

    Args:
        model: the module; never moved.
        x: samples.
        y: labels or targets.

    Returns:
        The batch.
    """
    first = next(model.parameters(), None)
    if first is not None:
        cast = x.is_floating_point() and first.is_floating_point()
        x = x.to(device=first.device, dtype=first.dtype if cast else x.dtype)
        y = y.to(first.device)
        if y.is_floating_point() and first.is_floating_point():
            y = y.to(first.dtype)
    return x, y if y.is_floating_point() else y.long()


def forward(model: Callable[[torch.Tensor], Any], x: torch.Tensor) -> torch.Tensor:
    """Run a batch through the model.

    Args:
        model: the module, or the module borrowed.
        x: (n, *shape) samples.

    Returns:
        The output, one row per sample.

    Raises:
        ModelError: if the model fails on this shape or returns something else than a tensor of n rows.
        OutOfMemoryError: if the batch does not fit into the device's memory.
    """
    try:
        output = model(x)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise ModelError(
            f"the model cannot process a batch of shape {tuple(x.shape)} and type {x.dtype}: {error}"
        ) from error
    if not isinstance(output, torch.Tensor) or output.ndim == 0 or len(output) != len(x):
        found = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise ModelError(
            f"the model must return a tensor with one row for each of {len(x)} samples, it returned {found}"
        )
    return output


def check_classes(output: torch.Tensor, y: torch.Tensor) -> None:
    """Refuse labels that do not fit a classifier's output.

    Args:
        output: (n, classes, *positions) scores.
        y: (n, *positions) labels.

    Raises:
        DataError: if labels are no whole numbers, of another shape, or out of range.
    """
    if y.is_floating_point():
        raise DataError(f"classes need whole-number labels, got y of type {y.dtype}; write y.long()")
    if output.ndim < 2 or y.shape != output.shape[:1] + output.shape[2:]:
        raise DataError(
            f"the model returns shape {tuple(output.shape)} and y has shape {tuple(y.shape)}; "
            "expected (n, classes) and (n,): one score per class, one label per sample"
        )
    if int(y.min()) < 0 or int(y.max()) >= output.shape[1]:
        raise DataError(
            f"labels run from {int(y.min())} to {int(y.max())}, but the model scores {output.shape[1]} classes "
            f"(0 to {output.shape[1] - 1})"
        )


def scalar_loss(recipe: Recipe, output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The recipe's loss of a batch.

    Args:
        recipe: the choices.
        output: (n, ...) what the model gave.
        y: (n, ...) labels or targets.

    Returns:
        A scalar tensor.

    Raises:
        DataError: if output and labels do not fit each other.
        ModelError: if the loss is no scalar.
    """
    if recipe.loss is None and y.is_floating_point():
        return _squared_error(output, y)
    if recipe.loss is None:
        check_classes(output, y)
        return nn.functional.cross_entropy(output, y)
    try:
        value = recipe.loss(output, y)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise DataError(f"the loss fails on output {tuple(output.shape)} and y {tuple(y.shape)}: {error}") from error
    if not isinstance(value, torch.Tensor) or value.ndim != 0:
        found = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
        raise ModelError(f"the loss must return a scalar tensor, it returned {found}; add .mean()")
    return value


def _squared_error(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    if output.shape == (*y.shape, 1):
        output = output.squeeze(-1)
    if output.shape != y.shape:
        raise DataError(
            f"y holds floats of shape {tuple(y.shape)}, taken as targets, but the model returns {tuple(output.shape)}; "
            "for class labels write y.long(), for another loss give Recipe(loss=...)"
        )
    return nn.functional.mse_loss(output, y)


def correct(output: torch.Tensor, y: torch.Tensor) -> tuple[int, int]:
    """How many labels the largest score hits.

    Args:
        output: (n, classes, *positions) scores.
        y: (n, *positions) labels.

    Returns:
        Hits and labels counted; (0, 0) where the quantity is not defined (targets, other shapes).
    """
    if y.is_floating_point() or output.ndim < 2 or y.shape != output.shape[:1] + output.shape[2:]:
        return 0, 0
    return int((output.argmax(1) == y).sum()), y.numel()


def measure(model: nn.Module, data: Batches, recipe: Recipe) -> tuple[float, float]:
    """Mean loss and accuracy in evaluation mode.

    Args:
        model: the module; comes out unchanged.
        data: the batches.
        recipe: the choices.

    Returns:
        Loss and accuracy; the accuracy is NaN where it is not defined.
    """
    total, samples, hits, labels = 0.0, 0, 0, 0
    with evaluating(model) as function:
        for batch in data:
            x, y = moved(model, *batch)
            output = forward(function, x)
            total += float(scalar_loss(recipe, output, y)) * len(x)
            samples += len(x)
            found = correct(output, y)
            hits, labels = hits + found[0], labels + found[1]
    return total / samples, hits / labels if labels else nan


def accuracy(model: nn.Module, data: Any, *, batch_size: int = 256) -> float:
    """Share of samples whose largest score is at their label, in evaluation mode.

    The model comes out unchanged: parameters, buffers, gradients, modes and random states.

    Args:
        model: a classifier with output (n, classes).
        data: a pair of tensors ``(x, y)``, or an iterable of such batches.
        batch_size: samples per batch where the data are a pair.

    Returns:
        The accuracy, in [0, 1].

    Raises:
        DataError: if the data are empty or the labels do not fit the output.

    Example:
        >>> accuracy(nn.Identity(), (torch.eye(4), torch.tensor([0, 1, 2, 0])))
        0.75
    """
    hits = labels = 0
    with borrowed(model), evaluating(model) as function:
        for batch in batches(data, batch_size=batch_size):
            x, y = moved(model, *batch)
            output = forward(function, x)
            check_classes(output, y)
            found = correct(output, y)
            hits, labels = hits + found[0], labels + found[1]
    if not labels:
        raise DataError("the data have no label; give at least one sample")
    return hits / labels
