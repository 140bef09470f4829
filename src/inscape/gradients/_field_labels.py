"""Labels of samples that do not exist yet: what the model predicts, its second choice, or what is asked for."""

from typing import Any, TypeAlias

import torch
from torch import Tensor

from inscape._errors import InputError

Label: TypeAlias = str | int | float
"""``"predicted"``, ``"runner-up"``, a class, or a target."""

_WORDS = ("predicted", "runner-up")


def words(label: Label) -> str:
    """A label in words, as it stands behind "a new sample".

    Args:
        label: the label.

    Returns:
        The words.
    """
    if isinstance(label, str):
        return f"of the {label} class"
    return f"of class {label}" if isinstance(label, int) else f"with target {label:g}"


def single(output: Tensor) -> bool:
    """Whether one number stands for two classes.

    Args:
        output: (n,) or (n, classes, *positions) what the model gave.

    Returns:
        True for shapes (n,) and (n, 1).
    """
    return output.ndim == 1 or (output.ndim == 2 and output.shape[1] == 1)


def labelled(output: Tensor, label: Label, loss: Any) -> Tensor:
    """Labels for a batch of outputs.

    Args:
        output: (n,) or (n, classes, *positions) what the model gave.
        label: what is asked for.
        loss: the loss; None takes a single output for a regression.

    Returns:
        (n, *positions) classes; for a float target, and for a single output, values of the output's shape.

    Raises:
        InputError: if the label does not fit the output.
    """
    if isinstance(label, float):
        return torch.full_like(output, label)
    if isinstance(label, str) and label not in _WORDS:
        raise InputError(f"expected label as 'predicted', 'runner-up', a class or a float target, got {label!r}")
    if single(output):
        if loss is None:
            raise InputError(
                f"the model has a single output and the loss is the squared error; got label={label!r}, "
                "give the target as a float, or a loss for two classes"
            )
        positive = output > 0
        if label == "runner-up":
            positive = ~positive
        if isinstance(label, int):
            _within(label, 2)
            positive = torch.full_like(positive, bool(label))
        return positive.to(output.dtype)
    if isinstance(label, int):
        _within(label, output.shape[1])
        return torch.full((len(output), *output.shape[2:]), label, dtype=torch.int64, device=output.device)
    return output.topk(2, dim=1).indices[:, _WORDS.index(label)]


def _within(label: int, classes: int) -> None:
    if not 0 <= label < classes:
        raise InputError(f"expected a class from 0 to {classes - 1}, got label={label}")


def predictions(output: Tensor, label: Label, loss: Any) -> tuple[Tensor, Tensor]:
    """Predicted class and how far it is ahead.

    Args:
        output: (n,) or (n, classes, *positions) what the model gave.
        label: what was asked for.
        loss: the loss.

    Returns:
        (n,) classes, -1 where the output is no choice between classes, and (n,) differences of the two largest
        outputs.
    """
    if single(output) and loss is not None and not isinstance(label, float):
        value = output.reshape(-1).double()
        return (value > 0).long(), value.abs()
    if output.ndim != 2 or isinstance(label, float):
        return torch.full((len(output),), -1), torch.zeros(len(output), dtype=torch.float64)
    best = output.double().topk(2, dim=1)
    return best.indices[:, 0], best.values[:, 0] - best.values[:, 1]
