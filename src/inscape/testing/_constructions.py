"""Networks whose regions are known exactly, with weights that float32 represents exactly if they are small."""

from collections.abc import Sequence
from math import ceil, log2

import numpy as np
import torch
from torch import nn

from inscape._errors import InputError
from inscape.testing._arrangements import braid, grid, moment_curve

Layer = tuple[np.ndarray, np.ndarray]


def sequential(layers: Sequence[Layer], *, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    """Build a ReLU network from its weights.

    Args:
        layers: weight (out, in) and bias (out,) of each linear layer; a ReLU stands between any two.
        dtype: float type of the parameters.

    Returns:
        The network.

    Example:
        >>> sequential([(np.eye(2), np.zeros(2)), (np.ones((1, 2)), np.zeros(1))])(torch.tensor([[1.0, -1.0]]).double())
        tensor([[1.]], dtype=torch.float64, grad_fn=<AddmmBackward0>)
    """
    modules: list[nn.Module] = []
    for weight, bias in layers:
        linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=dtype, device="meta").to_empty(device="cpu")
        with torch.no_grad():
            linear.weight.copy_(torch.as_tensor(weight))
            linear.bias.copy_(torch.as_tensor(bias))
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def arrangement_net(normals: object, offsets: object, *, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    r"""One hidden layer whose hyperplanes are given: :math:`f(x) = \sum_k \max(0, a_k \cdot x + b_k)`.

    The function is convex and bends everywhere on the hyperplanes, so that cells, affine pieces and connected pieces
    are the same sets.

    Args:
        normals: (n, d) normals :math:`a_k`.
        offsets: (n,) offsets :math:`b_k`.
        dtype: float type of the parameters.

    Returns:
        The network.

    Example:
        >>> arrangement_net([[1, 0], [0, 1]], [0, 0])
        Sequential(
          (0): Linear(in_features=2, out_features=2, bias=True)
          (1): ReLU()
          (2): Linear(in_features=2, out_features=1, bias=True)
        )
    """
    weight, bias = np.asarray(normals, dtype=np.float64), np.asarray(offsets, dtype=np.float64)
    return sequential([(weight, bias), (np.ones((1, len(weight))), np.zeros(1))], dtype=dtype)


def grid_net(
    cells: int, dimension: int = 3, *, degenerate: bool = True, dtype: torch.dtype = torch.float64
) -> nn.Sequential:
    """A first layer of axis-parallel hyperplanes: ``cells**dimension`` boxes on [0, cells]^dimension.

    Args:
        cells: unit cubes along each axis.
        dimension: dimension of the input.
        degenerate: True repeats every hyperplane at twice the scale, and with the opposite sign.
        dtype: float type of the parameters.

    Returns:
        The network.
    """
    rows = grid(cells, dimension)
    factors = (1, 2, -1) if degenerate else (1,)
    normals = np.concatenate([factor * rows.normals for factor in factors])
    offsets = np.concatenate([factor * rows.offsets for factor in factors])
    return arrangement_net(normals, offsets, dtype=dtype)


def braid_net(dimension: int, *, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    """A first layer that is the braid arrangement: (dimension + 1)! cells on any box around the origin.

    Args:
        dimension: dimension of the input; 3 gives the arrangement A3 with 24 cells.
        dtype: float type of the parameters.

    Returns:
        The network.
    """
    rows = braid(dimension)
    return arrangement_net(rows.normals, rows.offsets, dtype=dtype)


def sawtooth(depth: int, *, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    r"""The tent map :math:`t \mapsto 2 \min(t, 1 - t)`, repeated: :math:`2^L` affine pieces on [0, 1].

    Args:
        depth: number L of hidden layers, two units each.
        dtype: float type of the parameters.

    Returns:
        The network from one input to one output.

    Raises:
        InputError: if the depth is below 1.

    Example:
        >>> sawtooth(3)(torch.tensor([[0.125]], dtype=torch.float64)).item()  # the first of four peaks
        1.0
    """
    if depth < 1:
        raise InputError(f"expected a depth ≥ 1, got {depth}")
    split, tent = (np.array([[1.0], [1.0]]), np.array([0.0, -0.5])), np.array([[2.0, -4.0]])
    inner = (split[0] @ tent, split[1])
    return sequential([split, *[inner] * (depth - 1), (tent, np.zeros(1))], dtype=dtype)


def _folds(width: int, dimension: int) -> tuple[Layer, np.ndarray]:
    """One layer that folds each coordinate of [0, 1]^d onto [0, 1] p times: its units, and the map behind them."""
    pieces = width // dimension
    weight, bias, back = np.zeros((width, dimension)), np.zeros(width), np.zeros((dimension, width))
    for i in range(dimension):
        for k in range(pieces):
            unit = i * pieces + k
            weight[unit, i], bias[unit] = pieces, -k
            back[i, unit] = 1 if k == 0 else 2 * (-1) ** k
    return (weight, bias), back


def _generic_near_centre(width: int, dimension: int) -> Layer:
    """Dyadic hyperplanes in general position whose cells all meet (0, 1)^d: small parameters on a moment curve."""
    rows = moment_curve(width, dimension)
    scale = 2.0 ** -(ceil(log2(width + 1)) + ceil(log2(dimension)) + 1)
    t = rows.normals[:, 1] * scale if dimension > 1 else rows.offsets * scale
    powers = np.vander(t, dimension + 1, increasing=True)
    return powers[:, :-1], -powers[:, -1] - powers[:, :-1].sum(1) / 2


def montufar_net(widths: Sequence[int], dimension: int, *, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    r"""A deep ReLU network that reaches the lower bound of Montúfar et al. on :math:`[0, 1]^d` exactly.

    Every layer but the last folds the unit cube onto itself :math:`p_l^d` times, :math:`p_l = \lfloor n_l / d \rfloor`;
    the last cuts it by :math:`n_L` hyperplanes in general position. Units left over by the division are dead.

    Args:
        widths: units :math:`n_1, \dots, n_L` of the hidden layers, all but the last ≥ d.
        dimension: dimension d of the input.
        dtype: float type of the parameters.

    Returns:
        The network, with :math:`\prod_{l<L} p_l^d \sum_{i \le d} \binom{n_L}{i}` cells on the unit cube.

    Raises:
        InputError: if a layer before the last is narrower than the input.

    Source:
        Montúfar, Pascanu, Cho and Bengio (2014), the construction behind the theorem on deep rectifier networks.
    """
    if min(widths[:-1], default=dimension) < dimension:
        raise InputError(f"expected every width but the last ≥ {dimension}, got {list(widths)}")
    layers: list[Layer] = []
    back = np.eye(dimension)
    for width in widths[:-1]:
        (weight, bias), following = _folds(width, dimension)
        layers.append((weight @ back, bias))
        back = following
    weight, bias = _generic_near_centre(widths[-1], dimension)
    layers += [(weight @ back, bias), (np.ones((1, widths[-1])), np.zeros(1))]
    return sequential(layers, dtype=dtype)
