"""Whether samples and labels are fit to be used, said in words when they are not."""

from typing import Any

import numpy as np
import torch

from inscape._errors import DataError


def _tensor(value: Any, name: str) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return torch.from_numpy(np.ascontiguousarray(value.astype(value.dtype.newbyteorder("="))))
    raise DataError(f"expected {name} as a tensor or a numeric array, got {type(value).__name__}")


def check(x: Any, y: Any, *, classification: bool | None = None) -> int:
    """Refuse samples and labels that no training or evaluation can use.

    Args:
        x: (n, *shape) samples, tensor or array.
        y: (n, ...) labels (integers) or targets (floats), tensor or array.
        classification: whether ``y`` are class labels; by default, if ``y`` holds integers.

    Returns:
        The number of classes, ``max(y) + 1``; 0 when ``y`` are targets.

    Raises:
        DataError: if there is no sample, the lengths differ, a number is not finite, or labels are negative, not
            whole, or of one class only.

    Example:
        >>> check(np.zeros((3, 2)), np.array([0, 1, 1]))
        2
    """
    samples, labels = _tensor(x, "x"), _tensor(y, "y")
    if samples.ndim == 0 or labels.ndim == 0 or len(samples) == 0:
        raise DataError(f"expected at least one sample, got x of shape {tuple(samples.shape)}: the data set is empty")
    if len(samples) != len(labels):
        raise DataError(f"x has {len(samples)} samples and y has {len(labels)}; they must be pairs")
    for name, value in (("x", samples), ("y", labels)):
        if value.is_floating_point() and not (finite := torch.isfinite(value).reshape(len(value), -1).all(1)).all():
            first = int((~finite).nonzero()[0])
            raise DataError(
                f"{name} has NaN or infinite values in {int((~finite).sum())} of {len(value)} samples, "
                f"first in sample {first}; remove or repair them"
            )
    if classification is None:
        classification = not labels.is_floating_point()
    return _check_labels(labels) if classification else 0


def _check_labels(labels: torch.Tensor) -> int:
    if labels.is_floating_point() and not torch.equal(labels, labels.round()):
        raise DataError("expected class labels as whole numbers 0, 1, 2, …, got fractions in y")
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0:
        raise DataError(f"expected class labels ≥ 0, got {lowest}; number the classes 0, 1, 2, …")
    if lowest == highest:
        raise DataError(f"all {len(labels)} samples are of class {lowest}; there is nothing to tell apart")
    return highest + 1
