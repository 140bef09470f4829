"""Where the samples are in a tensor inside a model: which axis, or folded into rows with the positions."""

from typing import Literal

from torch import Tensor

Layout = Literal["first", "second", "folded first", "folded second"]


def layouts(shape: tuple[int, ...], samples: int) -> list[Layout]:
    """How samples may lie in a tensor of this shape, most likely first.

    Args:
        shape: the tensor's shape.
        samples: samples in the batch.

    Returns:
        ``"first"`` (n, ...), ``"second"`` (t, n, ...), ``"folded first"`` (n·t, ...) and ``"folded second"``
        (t·n, ...), those that fit.
    """
    found: list[Layout] = []
    if shape and shape[0] == samples:
        found.append("first")
    if len(shape) >= 3 and shape[1] == samples:
        found.append("second")
    if len(shape) == 2 and shape[0] > samples and shape[0] % samples == 0:
        found.extend(("folded first", "folded second"))
    return found


def by_sample(tensor: Tensor, samples: int, layout: Layout) -> Tensor:
    """Bring the samples to the first axis.

    Args:
        tensor: any of the layouts.
        samples: samples in the batch.
        layout: where they are.

    Returns:
        (n, ...) the same values; for folded rows (n, t, ...).
    """
    if layout == "second":
        return tensor.transpose(0, 1)
    if layout == "folded first":
        return tensor.reshape(samples, -1, *tensor.shape[1:])
    if layout == "folded second":
        return tensor.reshape(-1, samples, *tensor.shape[1:]).transpose(0, 1)
    return tensor
