"""What the region compiler gives: a network, the shapes that it stands for, and what is certain about it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from inscape._errors import InputError
from inscape.regions._formula import Formula, depth, widest
from inscape.regions._gates import logit_bounds, sigmoid
from inscape.regions._ladder import cut_off
from inscape.results import Provenance, Result, Status

OUTSIDE = "outside"


@dataclass(frozen=True, kw_only=True, eq=False)
class Certificate:
    """What a built network promises for every point whose class is clear at a margin.

    The class of a point is clear if each shape either holds it at a distance of at least the margin from the faces
    that decide, or misses it by as much; see :meth:`Built.promised`.

    Attributes:
        margin: the distance, in input units.
        inside: (K,) least output of a class on its own shapes.
        outside: (K,) least negated output of a class off its shapes.
        confidence: least probability of the right class: by the logistic function of a single output, else by softmax.
        right: True if the right class is certain to be the one that the network names.
    """

    margin: float
    inside: np.ndarray
    outside: np.ndarray
    confidence: float
    right: bool


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Built(Result):
    """A network whose decision regions are given shapes.

    Attributes:
        activation: ``"relu"`` or ``"sigmoid"``.
        scale: slope at a face, in output units (relu) or first-layer units (sigmoid) per input unit.
        gain: slope of the gates of a sigmoid network; 0 for relu.
        margin: margin that the network was built for.
        names: names of the classes in the order of their numbers.
        rest: whether the last class is that of points in no shape.
        normals: (h, d) inward unit normals of all faces.
        offsets: (h,) offsets: a face's inner side is normal · x + offset > 0.
        formulas: for each class with shapes, ALL and ANY over the numbers of the faces.
        low: (d,) lower corner of a box around the shapes.
        high: (d,) upper corner.
        layers: weight and bias of each linear layer.
        status: exact for relu, certified for sigmoid.
        provenance: options and versions.
    """

    kind: ClassVar[str] = "built"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016", "dobkin1993")

    activation: str
    scale: float
    gain: float
    margin: float
    names: tuple[str, ...]
    rest: bool
    normals: np.ndarray
    offsets: np.ndarray
    formulas: tuple[Formula, ...]
    low: np.ndarray
    high: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    status: Status
    provenance: Provenance

    @cached_property
    def model(self) -> nn.Sequential:
        """The network, in float64 and evaluation mode: one output (positive inside), or one for each class."""
        modules: list[nn.Module] = []
        for weight, bias in self.layers:
            linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64, device="meta")
            linear = linear.to_empty(device="cpu")
            with torch.no_grad():
                linear.weight.copy_(torch.as_tensor(weight))
                linear.bias.copy_(torch.as_tensor(bias))
            modules += [linear, nn.ReLU() if self.activation == "relu" else nn.Sigmoid()]
        return nn.Sequential(*modules[:-1]).eval()

    @property
    def dimension(self) -> int:
        """Dimension d of the input."""
        return self.normals.shape[1]

    @property
    def unit_count(self) -> int:
        """Number of hidden units."""
        return sum(len(bias) for _, bias in self.layers[:-1])

    def depth(self, x: np.ndarray) -> np.ndarray:
        """Signed distance to the faces that decide, from the shapes and not from the network.

        Inside a convex shape it is the distance to the border. Outside it is the largest distance by which a face is
        violated, which is at most the distance to the shape, and less beyond an edge or a corner.

        Args:
            x: (n, d) points.

        Returns:
            (n, K) one column for each class with shapes; positive inside.

        Raises:
            InputError: if the points do not have d coordinates.
        """
        points = np.atleast_2d(np.asarray(x, dtype=np.float64))
        if points.ndim != 2 or points.shape[1] != self.dimension:
            raise InputError(f"expected points (n, {self.dimension}), got an array of shape {points.shape}")
        values = points @ self.normals.T + self.offsets
        return np.stack([depth(formula, values) for formula in self.formulas], axis=1)

    def promised(self, x: np.ndarray, margin: float | None = None) -> np.ndarray:
        """The class of each point, where it is clear at a margin.

        Args:
            x: (n, d) points.
            margin: the margin, by default that of the network.

        Returns:
            (n,) class numbers; -1 where the margin is not kept, or where shapes of two classes overlap.
        """
        edge = self.margin if margin is None else margin
        found = self.depth(x)
        inside, outside = found >= edge, found <= -edge
        if len(self.names) == 2 and len(self.formulas) == 1 and not self.rest:
            return np.where(inside[:, 0], 1, np.where(outside[:, 0], 0, -1))
        clear = (inside | outside).all(1)
        one = clear & (inside.sum(1) == 1)
        other = len(self.formulas) if self.rest else -1
        return np.where(one, inside.argmax(1), np.where(clear & ~inside.any(1), other, -1))

    def certificate(self, margin: float | None = None) -> Certificate:
        """What is certain at a margin.

        Args:
            margin: the margin, > 0; by default that of the network.

        Returns:
            The certificate.

        Raises:
            InputError: if the margin is not positive.
        """
        edge = self.margin if margin is None else float(margin)
        if not (np.isfinite(edge) and edge > 0):
            raise InputError(f"expected a margin > 0, got {margin}")
        if self.activation == "relu":
            inside = np.full(len(self.formulas), self.scale * edge)
            outside = np.minimum(inside, self.scale * cut_off(self.low, self.high))
        else:
            inside, outside = logit_bounds(self.formulas, scale=self.scale, gain=self.gain, margin=edge)
        return _certificate(edge, inside, outside, single=len(self.layers[-1][1]) == 1, rest=self.rest)

    def verify(self, *, points: int = 20_000, rng: int = 0) -> Any:
        """Compare the network with the shapes.

        Random points around the shapes are classified; for relu in dimensions 1 and 2 the exact decision boundary is
        computed and held against the shapes as well.

        Args:
            points: number of random points.
            rng: seed of the points.

        Returns:
            A :class:`BuiltCheck`.
        """
        from inscape.regions._built_check import check

        return check(self, points=points, rng=rng)

    def facts(self) -> dict[str, object]:
        """Name → value for the summary."""
        found = self.certificate()
        return {
            "activation": self.activation,
            "inputs": self.dimension,
            "classes": ", ".join(self.names),
            "faces": len(self.offsets),
            "hidden layers": len(self.layers) - 1,
            "hidden units": self.unit_count,
            "widest gate": max(map(widest, self.formulas)),
            "scale": f"{self.scale:.6g}",
            "margin": f"{self.margin:.6g}",
            "confidence at the margin": f"≥ {found.confidence:.6g}",
        }

    def columns(self) -> dict[str, Any]:
        """One row for each face."""
        found: dict[str, Any] = {"face": np.arange(len(self.offsets))}
        found |= {f"normal_{i}": self.normals[:, i] for i in range(self.dimension)}
        return found | {"offset": self.offsets}

    def info(self) -> Any:
        """Confidence of the network around the shapes (dimension 2)."""
        from inscape.geometry import Box
        from inscape.maps import predict

        if self.dimension != 2:
            raise InputError(f"a network of {self.dimension} inputs has no map; see summary() and certificate()")
        pad = (self.high - self.low).max() / 4
        window = Box(low=self.low - pad, high=self.high + pad)
        return predict(self.model, window, resolution=400, names=self.names, progress=False).info("confidence")


def _certificate(margin: float, inside: np.ndarray, outside: np.ndarray, *, single: bool, rest: bool) -> Certificate:
    """The least probability of the right class, from bounds on the outputs."""
    if single:
        least = min(float(inside[0]), float(outside[0]))
        confidence, right = sigmoid(least), least > 0
        return Certificate(margin=margin, inside=inside, outside=outside, confidence=confidence, right=right)
    gaps = inside[:, None] + outside[None]
    np.fill_diagonal(gaps, np.inf)
    if rest:
        gaps = np.hstack([gaps, inside[:, None]])
        gaps = np.vstack([gaps, np.r_[outside, np.inf]])
    confidence = float((1 / (1 + np.exp(-gaps).sum(1))).min())
    return Certificate(margin=margin, inside=inside, outside=outside, confidence=confidence, right=bool(gaps.min() > 0))
