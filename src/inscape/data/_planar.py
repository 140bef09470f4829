"""Point sets in the plane, generated: classification toys and targets of transport."""

from math import isqrt

import numpy as np

from inscape._errors import DataError
from inscape._rng import RandomState, generator


def _counts(n: int, groups: int) -> np.ndarray:
    if n < groups:
        raise DataError(f"expected n ≥ {groups}, one point per group at least, got n={n}")
    return np.full(groups, n // groups) + (np.arange(groups) < n % groups)


def _labels(n: int, groups: int) -> np.ndarray:
    return np.repeat(np.arange(groups), _counts(n, groups))


def _finish(
    points: np.ndarray, y: np.ndarray, noise: float, source: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    if not noise >= 0 or not np.isfinite(noise):
        raise DataError(f"expected a finite noise ≥ 0 (standard deviation), got {noise}")
    order = source.permutation(len(points))
    noisy = points + noise * source.standard_normal(points.shape)
    return noisy[order].astype(np.float32), y[order].astype(np.int64)


def moons(*, n: int = 1000, noise: float = 0.1, rng: RandomState = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved half circles of radius 1, two classes.

    Args:
        n: number of points.
        noise: standard deviation of the Gaussian noise, in the unit of the plane.
        rng: seed or generator.

    Returns:
        Points (n, 2) and labels (n,).
    """
    source = generator(rng)
    angles = np.concatenate([np.linspace(0, np.pi, count) for count in _counts(n, 2)])
    y = _labels(n, 2)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points[y == 1] = [1, 0.5] - points[y == 1]
    return _finish(points, y, noise, source)


def circles(
    *, n: int = 1000, factor: float = 0.5, noise: float = 0.05, rng: RandomState = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Two circles around the origin: radius 1 (class 0) and ``factor`` (class 1).

    Args:
        n: number of points.
        factor: radius of the inner circle, in (0, 1).
        noise: standard deviation of the Gaussian noise.
        rng: seed or generator.

    Returns:
        Points (n, 2) and labels (n,).

    Raises:
        DataError: if ``factor`` is not between 0 and 1.
    """
    if not 0 < factor < 1:
        raise DataError(f"expected 0 < factor < 1 (inner over outer radius), got {factor}")
    source = generator(rng)
    y = _labels(n, 2)
    angles = np.concatenate([2 * np.pi * np.arange(count) / count for count in _counts(n, 2)])
    radius = np.where(y == 0, 1.0, factor)
    return _finish(radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1), y, noise, source)


def spirals(
    *, n: int = 1000, arms: int = 2, turns: float = 1.5, noise: float = 0.02, rng: RandomState = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Archimedean spirals that start near the origin and end on the unit circle, one class per arm.

    Args:
        n: number of points.
        arms: number of spirals, at least 1.
        turns: full turns of each arm.
        noise: standard deviation of the Gaussian noise.
        rng: seed or generator.

    Returns:
        Points (n, 2) and labels (n,).

    Raises:
        DataError: if there is no arm.
    """
    if arms < 1:
        raise DataError(f"expected arms ≥ 1, got {arms}")
    source = generator(rng)
    y = _labels(n, arms)
    radius = np.concatenate([np.linspace(0.05, 1, count) for count in _counts(n, arms)])
    angles = 2 * np.pi * (turns * radius + y / arms)
    return _finish(radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1), y, noise, source)


def blobs(*, n: int = 1000, centers: int = 3, noise: float = 0.15, rng: RandomState = 0) -> tuple:
    """Round Gaussian clouds with centres drawn uniformly from [-1, 1]², one class each.

    Args:
        n: number of points.
        centers: number of clouds, at least 1.
        noise: standard deviation of each cloud.
        rng: seed or generator.

    Returns:
        Points (n, 2) and labels (n,).

    Raises:
        DataError: if there is no cloud.
    """
    if centers < 1:
        raise DataError(f"expected centers ≥ 1, got {centers}")
    source = generator(rng)
    places = source.uniform(-1, 1, (centers, 2))
    y = _labels(n, centers)
    return _finish(places[y], y, noise, source)


def mixture_centres(components: int) -> np.ndarray:
    """Centres of :func:`gmm2d`: a square grid for 1, 4, 9, … components, a circle of radius 1 otherwise.

    Args:
        components: number of components, at least 1.

    Returns:
        (components, 2) centres in [-1, 1]².

    Raises:
        DataError: if there is no component.

    Example:
        >>> mixture_centres(4).tolist()
        [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]
    """
    if components < 1:
        raise DataError(f"expected components ≥ 1, got {components}")
    side = isqrt(components)
    if components == 1:
        return np.zeros((1, 2))
    if side * side == components:
        line = np.linspace(-1, 1, side)
        return np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    angles = 2 * np.pi * np.arange(components) / components
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def gmm2d(*, n: int = 1000, components: int = 4, noise: float = 0.05, rng: RandomState = 0) -> tuple:
    """A mixture of equally likely round Gaussians; ``gmm2d(9)`` is short for nine components.

    Args:
        n: number of points; the component of each is drawn at random.
        components: number of components; placed as :func:`mixture_centres` says.
        noise: standard deviation of each component.
        rng: seed or generator.

    Returns:
        Points (n, 2) and the component of each (n,).

    Raises:
        DataError: if there is no point.
    """
    if n < 1:
        raise DataError(f"expected n ≥ 1, got n={n}")
    source = generator(rng)
    centres = mixture_centres(components)
    y = source.integers(components, size=n)
    return _finish(centres[y], y, noise, source)


def swissroll(*, n: int = 1000, noise: float = 0.02, rng: RandomState = 0) -> tuple[np.ndarray, np.ndarray]:
    """The swiss roll seen from its end: a spiral of angle 1.5π to 4.5π, scaled into the unit disc.

    Args:
        n: number of points, spread uniformly over the angle.
        noise: standard deviation of the Gaussian noise.
        rng: seed or generator.

    Returns:
        Points (n, 2) and labels (n,): 0 for the inner half of the angle, 1 for the outer.

    Raises:
        DataError: if there is no point.
    """
    if n < 1:
        raise DataError(f"expected n ≥ 1, got n={n}")
    source = generator(rng)
    share = np.sort(source.uniform(size=n))
    angles = 1.5 * np.pi * (1 + 2 * share)
    points = angles[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1) / (4.5 * np.pi)
    return _finish(points, (share >= 0.5).astype(np.int64), noise, source)


def cones(
    *, n: int = 1000, apexes: int = 3, radius: float = 1.0, noise: float = 0.0, rng: RandomState = 0
) -> tuple[np.ndarray, np.ndarray]:
    r"""A pair of distributions whose optimal critic is a set of cones.

    Group 0 sits on the apexes, group 1 uniformly on the circles of the given radius around them. The apexes lie
    :math:`4r` apart or more, so the Wasserstein-1 distance of the two distributions is exactly the radius :math:`r`
    and :math:`x \mapsto -\min_i \lVert x - a_i \rVert` is an optimal critic.

    Args:
        n: number of points in both groups together.
        apexes: number of apexes, at least 1.
        radius: radius of the circles, the transport cost.
        noise: standard deviation of the Gaussian noise.
        rng: seed or generator.

    Returns:
        Points (n, 2) and groups (n,).

    Raises:
        DataError: if there is no apex or the radius is not positive.
    """
    if apexes < 1 or not radius > 0:
        raise DataError(f"expected apexes ≥ 1 and radius > 0, got apexes={apexes}, radius={radius}")
    source = generator(rng)
    around = 2 * np.pi * np.arange(apexes) / apexes
    ring = 0.0 if apexes == 1 else 2 * radius / np.sin(np.pi / apexes)
    places = ring * np.stack([np.cos(around), np.sin(around)], axis=1)
    y = _labels(n, 2)
    which = np.concatenate([np.arange(count) % apexes for count in _counts(n, 2)])
    angles = source.uniform(0, 2 * np.pi, n)
    offset = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1) * (y == 1)[:, None]
    return _finish(places[which] + offset, y, noise, source)


def segments(
    *, n: int = 1000, distance: float = 1.0, noise: float = 0.0, rng: RandomState = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Two parallel unit segments: group 0 at height 0, group 1 at height ``distance``.

    The Wasserstein-1 distance of the two uniform distributions is ``distance``; both groups have the same abscissae,
    so the samples have that distance exactly when ``n`` is even and there is no noise.

    Args:
        n: number of points in both groups together.
        distance: gap between the segments, the transport cost.
        noise: standard deviation of the Gaussian noise.
        rng: seed or generator.

    Returns:
        Points (n, 2) and groups (n,).

    Raises:
        DataError: if the distance is not positive.
    """
    if not distance > 0:
        raise DataError(f"expected distance > 0, got {distance}")
    source = generator(rng)
    y = _labels(n, 2)
    across = np.concatenate([(np.arange(count) + 0.5) / count for count in _counts(n, 2)])
    return _finish(np.stack([across, distance * y], axis=1), y, noise, source)
