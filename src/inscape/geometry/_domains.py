"""Affine charts: boxes, segments, planes and slices, on which a network is cut into cells."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from inscape._errors import DomainError
from inscape._rng import RandomState, generator


def _point(name: str, value: Any) -> np.ndarray:
    if hasattr(value, "detach"):  # a tensor, wherever it lives; torch is not imported here
        value = value.detach().cpu()
    try:
        point = np.asarray(value, dtype=np.float64).copy()
    except (TypeError, ValueError) as error:
        raise DomainError(f"expected {name} to be an array of numbers, got {type(value).__name__}") from error
    if not np.isfinite(point).all():
        raise DomainError(f"expected {name} to be finite, got NaN or infinity in it")
    return point


@dataclass(frozen=True, eq=False, init=False)
class Box:
    """An axis-parallel box that fills its input space: low ≤ x ≤ high.

    Attributes:
        low: (d,) lower corner.
        high: (d,) upper corner.

    Example:
        >>> Box(low=(-1, -1), high=(1, 1)).dimension
        2
    """

    low: np.ndarray
    high: np.ndarray

    def __init__(self, *, low: object, high: object) -> None:
        """Take the corners.

        Args:
            low: (d,) lower corner, array or sequence of numbers.
            high: (d,) upper corner.

        Raises:
            DomainError: if a corner is not finite, the lengths differ or low ≥ high somewhere.
        """
        lower, upper = np.atleast_1d(_point("low", low)), np.atleast_1d(_point("high", high))
        if lower.ndim != 1 or lower.shape != upper.shape or lower.size == 0:
            raise DomainError(f"expected low and high of one length, got shapes {lower.shape} and {upper.shape}")
        if not (lower < upper).all():
            worst = int(np.argmax(lower >= upper))
            raise DomainError(
                "expected low < high in every coordinate, "
                f"got low[{worst}]={lower[worst]}, high[{worst}]={upper[worst]}"
            )
        object.__setattr__(self, "low", lower)
        object.__setattr__(self, "high", upper)

    @property
    def dimension(self) -> int:
        """Dimension d of the chart, here also that of the input space."""
        return self.low.size

    @property
    def origin(self) -> np.ndarray:
        """(d,) point of the input space with chart coordinates 0."""
        return np.zeros_like(self.low)

    @property
    def basis(self) -> np.ndarray:
        """(d, d) directions in input space, one row per chart coordinate: the identity."""
        return np.eye(self.low.size)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample of the input space."""
        return self.low.shape


@dataclass(frozen=True, kw_only=True, eq=False)
class _Slice:
    """A window of chart coordinates t on the affine set x = origin + t · basis."""

    origin: np.ndarray
    basis: np.ndarray
    low: np.ndarray
    high: np.ndarray
    shape: tuple[int, ...]
    anchors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    """(a, d) chart coordinates of the points that the slice was made through."""

    @property
    def dimension(self) -> int:
        """Dimension d of the chart."""
        return self.low.size

    def embed(self, t: np.ndarray) -> np.ndarray:
        """Points of input space.

        Args:
            t: (n, d) chart coordinates.

        Returns:
            (n, *shape) points.
        """
        flat = self.origin + np.atleast_2d(t) @ self.basis
        return flat.reshape(-1, *self.shape)

    def project(self, x: np.ndarray) -> np.ndarray:
        """Chart coordinates of the nearest points of the slice.

        Args:
            x: (n, *shape) points of input space.

        Returns:
            (n, d) chart coordinates.
        """
        flat = np.asarray(x, dtype=np.float64).reshape(-1, self.origin.size) - self.origin
        return np.linalg.lstsq(self.basis.T, flat.T, rcond=None)[0].T

    def resized(self, factor: float) -> Self:
        """The same slice with a window scaled about its centre.

        Args:
            factor: scale of the sides, > 0.

        Returns:
            The slice with the new window.
        """
        centre, half = (self.low + self.high) / 2, (self.high - self.low) / 2 * factor
        return type(self)(
            origin=self.origin,
            basis=self.basis,
            low=centre - half,
            high=centre + half,
            shape=self.shape,
            anchors=self.anchors,
        )

    @classmethod
    def _window(
        cls, origin: np.ndarray, basis: np.ndarray, anchors: np.ndarray, shape: tuple[int, ...], margin: float
    ) -> Self:
        _check_margin(margin)
        low, high = anchors.min(0), anchors.max(0)
        pad = margin * (high - low)
        return cls(origin=origin, basis=basis, low=low - pad, high=high + pad, shape=shape, anchors=anchors)

    @classmethod
    def _about(cls, centre: np.ndarray, dimension: int, radius: float, rng: RandomState) -> Self:
        """A window of random directions about a point."""
        if not (np.isfinite(radius) and radius > 0):
            raise DomainError(f"expected a positive radius, got {radius}")
        basis = np.linalg.qr(generator(rng).standard_normal((centre.size, dimension)))[0].T
        return cls(
            origin=centre.ravel(),
            basis=np.ascontiguousarray(basis),
            low=np.full(dimension, -float(radius)),
            high=np.full(dimension, float(radius)),
            shape=centre.shape,
            anchors=np.zeros((1, dimension)),
        )


class Segment(_Slice):
    """The straight segment from p to q; its chart coordinate t is the Euclidean length from p.

    Example:
        >>> Segment(p=(0, 0), q=(3, 4)).high
        array([5.])
    """

    def __init__(self, p: object, q: object, *, margin: float = 0.0) -> None:
        """Lay the chart.

        Args:
            p: start, of the shape of one sample.
            q: end, of the same shape.
            margin: share of the length that is added at both ends.

        Raises:
            DomainError: if the points have different shapes or coincide.
        """
        start, end = np.atleast_1d(_point("p", p)), np.atleast_1d(_point("q", q))
        if start.shape != end.shape:
            raise DomainError(f"expected p and q of one shape, got {start.shape} and {end.shape}")
        length = float(np.linalg.norm(end - start))
        if length == 0.0:
            raise DomainError("expected two different points, got p equal to q")
        _check_margin(margin)
        super().__init__(
            origin=start.ravel(),
            basis=((end - start) / length).reshape(1, -1),
            low=np.array([-margin * length]),
            high=np.array([(1 + margin) * length]),
            shape=start.shape,
            anchors=np.array([[0.0], [length]]),
        )


class Plane(_Slice):
    """A rectangular window of a two-dimensional plane in input space, with orthonormal axes."""

    @classmethod
    def through(cls, x0: object, x1: object, x2: object, *, margin: float = 0.2) -> Self:
        """The plane through three points, centred on their circumscribed rectangle.

        Args:
            x0: a point of the shape of one sample; chart origin.
            x1: a second point; the first axis points to it.
            x2: a third point, not on the line through the other two.
            margin: share of the rectangle's sides that is added on every side.

        Returns:
            The plane; ``anchors`` holds the chart coordinates of the three points.

        Raises:
            DomainError: if the shapes differ or the points are collinear.

        Example:
            >>> Plane.through((0, 0, 0), (2, 0, 0), (0, 0, 1), margin=0).high
            array([2., 1.])
        """
        points = [np.atleast_1d(_point(name, x)) for name, x in zip(("x0", "x1", "x2"), (x0, x1, x2), strict=True)]
        if len({point.shape for point in points}) > 1:
            raise DomainError(f"expected three points of one shape, got {[point.shape for point in points]}")
        base, first, second = (point.ravel() for point in points)
        u, v = first - base, second - base
        length = np.linalg.norm(u)
        rest = v - u * (u @ v) / max(length**2, np.finfo(float).tiny)
        height = np.linalg.norm(rest)
        if length == 0.0 or height <= 1e-9 * np.linalg.norm(v) or height == 0.0:
            raise DomainError("expected three points that are not on one line, got collinear ones; move one of them")
        basis = np.stack([u / length, rest / height])
        anchors = np.array([[0.0, 0.0], [length, 0.0], basis @ v])
        return cls._window(base, basis, anchors, points[0].shape, margin)

    @classmethod
    def pca(cls, data: object, *, margin: float = 0.1) -> Self:
        """The plane of the first two principal components, wide enough for all samples' projections.

        Args:
            data: (n, *shape) samples, n ≥ 3.
            margin: share of the window's sides that is added on every side.

        Returns:
            The plane; ``anchors`` holds the projections of the samples.

        Raises:
            DomainError: if there are fewer than three samples or they lie on a line.
        """
        samples = _point("data", data)
        if samples.ndim < 2 or len(samples) < 3:
            raise DomainError(f"expected at least three samples (n, *shape), got an array of shape {samples.shape}")
        flat = samples.reshape(len(samples), -1)
        mean = flat.mean(0)
        _, scale, axes = np.linalg.svd(flat - mean, full_matrices=False)
        if len(scale) < 2 or scale[1] <= 1e-12 * scale[0] or scale[0] == 0.0:
            raise DomainError("expected samples that span a plane, got samples on one line")
        basis = axes[:2] * np.where(axes[:2].sum(1, keepdims=True) < 0, -1.0, 1.0)
        return cls._window(mean, basis, (flat - mean) @ basis.T, samples.shape[1:], margin)

    @classmethod
    def random(cls, x0: object, *, radius: float = 1.0, rng: RandomState = None) -> Self:
        """A plane through a point in two random orthonormal directions.

        Args:
            x0: centre of the window, of the shape of one sample; at least two coordinates.
            radius: half the side of the square window.
            rng: seed or generator.

        Returns:
            The plane; ``anchors`` holds the centre.

        Raises:
            DomainError: if the input space has fewer than two dimensions or the radius is not positive.
        """
        centre = np.atleast_1d(_point("x0", x0))
        if centre.size < 2:
            raise DomainError("expected an input space of at least two dimensions, got one")
        return cls._about(centre, 2, radius, rng)


class Slice(_Slice):
    """A window of an affine set of any dimension in a larger input space, with orthonormal axes."""

    @classmethod
    def through(cls, *points: object, margin: float = 0.2) -> Self:
        """The affine set through d + 1 points, with a window around them.

        Args:
            *points: points of the shape of one sample that span a set of dimension d ≥ 1; the first is the origin.
            margin: share of the window's sides that is added on every side.

        Returns:
            The slice; ``anchors`` holds the chart coordinates of the points.

        Raises:
            DomainError: if there are fewer than two points, the shapes differ, or the points do not span dimension d.

        Example:
            >>> Slice.through((0, 0, 0, 0), (2, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 3), margin=0).high
            array([2., 1., 3.])
        """
        given = [np.atleast_1d(_point(f"point {i}", x)) for i, x in enumerate(points)]
        if len(given) < 2 or len({point.shape for point in given}) > 1:
            raise DomainError(f"expected two points or more of one shape, got shapes {[p.shape for p in given]}")
        flat = np.stack([point.ravel() for point in given])
        steps = flat[1:] - flat[0]
        axes, rest = np.linalg.qr(steps.T)
        size = np.abs(np.diag(rest))
        if len(size) < len(steps) or not (size > 1e-9 * np.linalg.norm(steps, axis=1)).all():
            raise DomainError(f"expected {len(given)} points that span dimension {len(steps)}, got dependent ones")
        basis = (axes * np.sign(np.diag(rest))).T
        anchors = np.vstack([np.zeros(len(steps)), steps @ basis.T])
        return cls._window(flat[0], np.ascontiguousarray(basis), anchors, given[0].shape, margin)

    @classmethod
    def random(cls, x0: object, *, dimension: int, radius: float = 1.0, rng: RandomState = None) -> Self:
        """An affine set through a point in random orthonormal directions.

        Args:
            x0: centre of the window, of the shape of one sample.
            dimension: dimension d of the slice, at most that of the input space.
            radius: half the side of the window.
            rng: seed or generator.

        Returns:
            The slice; ``anchors`` holds the centre.

        Raises:
            DomainError: if the dimension does not fit or the radius is not positive.
        """
        centre = np.atleast_1d(_point("x0", x0))
        if not 1 <= dimension <= centre.size:
            raise DomainError(f"expected a dimension from 1 to {centre.size}, got {dimension}")
        return cls._about(centre, dimension, radius, rng)


def _check_margin(margin: float) -> None:
    if not (np.isfinite(margin) and margin >= 0):
        raise DomainError(f"expected a margin ≥ 0, got {margin}")


Chart = Box | Segment | Plane | Slice
