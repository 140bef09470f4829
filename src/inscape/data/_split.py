"""Training and test parts."""

import numpy as np
import torch

from inscape._errors import DataError
from inscape._rng import RandomState, generator

Pair = tuple[torch.Tensor, torch.Tensor]


def split(x: torch.Tensor, y: torch.Tensor, *, test: float = 0.2, rng: RandomState = 0) -> tuple[Pair, Pair]:
    """Split samples at random into a training and a test part with the same shares of each class.

    Args:
        x: (n, *shape) samples.
        y: (n,) class labels; with floats (targets) the split is plainly random.
        test: share of the test part, in (0, 1); each class gives its share, rounded, but keeps one sample or more.
        rng: seed or generator.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``, in random order.

    Raises:
        DataError: if the share leaves one part empty or the lengths differ.

    Example:
        >>> train, held_out = split(torch.zeros(10, 1), torch.arange(10) % 2, test=0.2)
        >>> held_out[1].sort().values.tolist()
        [0, 1]
    """
    if len(x) != len(y):
        raise DataError(f"x has {len(x)} samples and y has {len(y)}; they must be pairs")
    if not 0 < test < 1:
        raise DataError(f"expected a share 0 < test < 1, got {test}")
    source = generator(rng)
    labels = np.zeros(len(y), dtype=np.int64) if y.is_floating_point() or y.ndim != 1 else y.cpu().numpy()
    order = source.permutation(len(labels))
    held = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        held[members[: min(round(test * len(members)), len(members) - 1)]] = True
    if not held.any():
        raise DataError(
            f"a share of {test} of {len(y)} samples leaves the test part empty; give more data or a larger share"
        )
    inner, outer = (torch.from_numpy(order[held[order] == side]).to(y.device) for side in (False, True))
    return (x[inner.to(x.device)], y[inner]), (x[outer.to(x.device)], y[outer])
