"""Transition slabs of smooth units: where a sigmoid or tanh is neither off nor on."""

from collections.abc import Callable
from dataclasses import dataclass
from math import acosh, sqrt
from typing import Any, Literal

import numpy as np
from torch import nn

from inscape._errors import DomainError, InputError, UnsupportedLayerError
from inscape.geometry import Box, Plane
from inscape.geometry import Kind as NodeKind

_SMOOTH = {"Sigmoid": "sigmoid", "Tanh": "tanh"}


def transition_halfwidth(activation: Literal["sigmoid", "tanh"], delta: float) -> float:
    r"""Half the width of the interval where an activation still changes.

    The largest :math:`z^*` such that :math:`|ν'(z)| ≥ δ · \max |ν'|` exactly for :math:`|z| ≤ z^*`. Since
    :math:`σ'(z) ∝ 1 / \cosh^2(z / 2)` and :math:`\tanh'(z) = 1 / \cosh^2 z`,

    .. math:: z^*_σ = 2 \operatorname{arcosh}(1 / \sqrt{δ}), \qquad z^*_{\tanh} = \operatorname{arcosh}(1 / \sqrt{δ})

    Args:
        activation: ``"sigmoid"`` or ``"tanh"``.
        delta: derivative level as a share of the largest derivative, 0 < δ ≤ 1.

    Returns:
        The half-width, in units of the pre-activation.

    Raises:
        InputError: if the activation is another one or δ is outside (0, 1].

    Example:
        >>> round(transition_halfwidth("tanh", 0.25), 4)  # cosh² z = 4
        1.317

    Source:
        van den Berg (2016), the part on the confidence of a unit's region.
    """
    scale = {"sigmoid": 2.0, "tanh": 1.0}.get(activation)
    if scale is None:
        raise InputError(f"expected activation to be 'sigmoid' or 'tanh', got {activation!r}")
    if not 0.0 < delta <= 1.0:
        raise InputError(f"expected 0 < delta ≤ 1, a share of the largest derivative, got {delta}")
    return scale * acosh(1 / sqrt(delta))


@dataclass(frozen=True, kw_only=True, eq=False)
class Slabs:
    """Slabs {t : |normal · t + offset| ≤ halfwidth / steepness} of the units of a first layer, on a plane.

    Attributes:
        domain: the plane.
        activation: ``"sigmoid"`` or ``"tanh"``.
        delta: derivative level.
        normals: (n, 2) unit normals in the chart; zero for a unit that does not change on the plane.
        offsets: (n,) signed distance of the chart's origin from the middle line, in chart units.
        steepness: (n,) length of the gradient of the pre-activation on the plane.
        thickness: (n,) full thickness of the slab in the plane; infinite for a unit that does not change.
    """

    domain: Plane | Box
    activation: str
    delta: float
    normals: np.ndarray
    offsets: np.ndarray
    steepness: np.ndarray
    thickness: np.ndarray

    def polylines(self) -> tuple[Any, ...]:
        """The slabs' two borders inside the window, to be laid over a map.

        Returns:
            One ``inscape.plotting.Polyline`` with a break between the pieces; none if no border meets the window.
        """
        from inscape.plotting import Polyline

        pieces = []
        for normal, offset, thickness in zip(self.normals, self.offsets, self.thickness, strict=True):
            for side in (-0.5, 0.5) if np.isfinite(thickness) else ():
                piece = _clipped(normal, offset + side * thickness, self.domain)
                if piece is not None:
                    pieces += [piece, np.full((1, 2), np.nan)]
        if not pieces:
            return ()
        name = f"transition slabs, level {self.delta:g}"
        return (Polyline(points=np.concatenate(pieces[:-1]), name=name, width=0.8),)


def _clipped(normal: np.ndarray, offset: float, domain: Plane | Box) -> np.ndarray | None:
    """The part of the line normal · t + offset = 0 inside the window."""
    base, along = -offset * normal, np.array([-normal[1], normal[0]])
    first, last = -np.inf, np.inf
    for axis in range(2):
        if abs(along[axis]) < 1e-300:
            if not domain.low[axis] <= base[axis] <= domain.high[axis]:
                return None
            continue
        ends = np.sort((np.array([domain.low[axis], domain.high[axis]]) - base[axis]) / along[axis])
        first, last = max(first, ends[0]), min(last, ends[1])
    return base + np.array([[first], [last]]) * along if first < last else None


def slabs(model: nn.Module, plane: Plane | Box, *, delta: float = 0.5) -> Slabs:
    r"""Transition slabs of the units of a smooth network's first layer.

    A unit with pre-activation :math:`z(t) = w · t + b` on the plane has its slab where :math:`|z| ≤ z^*`, with the
    thickness :math:`2 z^* / \lVert w \rVert`.

    Args:
        model: a network whose first nonlinear operation is a Sigmoid or Tanh.
        plane: the window; a box must be two-dimensional.
        delta: derivative level, 0 < δ ≤ 1.

    Returns:
        The slabs, one for every unit.

    Raises:
        DomainError: if the domain is not two-dimensional.

    Example:
        >>> unit = nn.Sequential(nn.Linear(2, 1), nn.Tanh())
        >>> unit[0].weight.data[:], unit[0].bias.data[:] = 2.0, 0.0
        >>> found = slabs(unit, Box(low=(-1, -1), high=(1, 1)), delta=1 / 4)
        >>> round(float(found.thickness[0] * 8**0.5 / 2), 4)  # z*, with ‖w‖ = √8
        1.317
    """
    if not isinstance(plane, Plane | Box) or plane.dimension != 2:
        raise DomainError(f"expected a Plane or a two-dimensional Box, got {type(plane).__name__}")
    first, operation = _first_layer(model, plane)
    halfwidth = transition_halfwidth(_SMOOTH[operation], delta)  # type: ignore[arg-type]
    corners = plane.origin + np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]) @ plane.basis
    values = first(corners.reshape(-1, *plane.shape)).reshape(3, -1)
    weights = (values[1:] - values[0]).T
    steepness = np.linalg.norm(weights, axis=1)
    moving = steepness > 0
    divisor = np.where(moving, steepness, 1.0)
    return Slabs(
        domain=plane,
        activation=_SMOOTH[operation],
        delta=delta,
        normals=weights / divisor[:, None],
        offsets=np.where(moving, values[0] / divisor, np.copysign(np.inf, values[0])),
        steepness=steepness,
        thickness=np.where(moving, 2 * halfwidth / divisor, np.inf),
    )


def _first_layer(model: nn.Module, plane: Plane | Box) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """The affine function before the first nonlinear operation, and that operation."""
    from inscape.network import read

    network = read(model, example=plane.origin.reshape(1, *plane.shape))
    place = next(
        (i for i, node in enumerate(network.nodes) if node.kind in {NodeKind.SMOOTH, NodeKind.PIECEWISE}), None
    )
    found = network.head_layer if place is None else network.nodes[place]
    if found is None or found.operation not in _SMOOTH:
        first = "none" if found is None else f"{found.operation} in module {found.name!r}"
        raise UnsupportedLayerError(
            f"transition slabs need a Sigmoid or Tanh as the first nonlinear operation, got {first}"
        )
    wanted = network.output if place is None else network.nodes[place].inputs[0]

    def evaluate(x: np.ndarray) -> np.ndarray:
        values = {0: np.asarray(x, dtype=np.float64)}
        for i, node in enumerate(network.nodes[1 : wanted + 1], start=1):
            values[i] = node.apply(*(values[j] for j in node.inputs))
        return values[wanted]

    return evaluate, found.operation
