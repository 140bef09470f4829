"""The planes that the page looks at: chosen through real samples, cut to a size that can be drawn, divided once."""

from dataclasses import dataclass, field
from math import prod, sqrt
from typing import Any

import numpy as np

from inscape._errors import DomainError, InputError, UnsupportedLayerError
from inscape._rng import generator
from inscape.geometry import Plane
from inscape.results import Context, Verdict

_TRIES = 8
_POINTS = 1000
_SHOWN = 40


@dataclass(frozen=True, kw_only=True)
class View:
    """One plane of the page.

    Attributes:
        key: part of file names.
        title: what the plane is, a few words.
        short: the same in one or two words.
        story: how the plane was chosen, one sentence.
        plane: the window that is drawn.
        points: (m, 2) chart coordinates of the samples that are marked.
        labels: (m,) class of each of them, or None.
        names: (m,) texts beside them, or empty.
        share: length of the window's sides over those of the window that was asked for.
        predicted: predicted number of cells in the window that was asked for; 0 if nothing was predicted.
        partition: exact cells, or None where the network is smooth inside.
        boundary: decision boundary on them, or None.
        problem: why there are no exact cells, in words.
    """

    key: str
    title: str
    short: str
    story: str
    plane: Plane
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    labels: np.ndarray | None = None
    names: tuple[str, ...] = ()
    share: float = 1.0
    predicted: float = 0.0
    partition: Any = None
    boundary: Any = None
    problem: str = ""


def views(context: Context) -> tuple[View, ...]:
    """Choose the planes of the page and divide them into their exact cells.

    Args:
        context: the page's context; its option ``"views"`` is returned if it is there already.

    Returns:
        The views; empty for an input of one dimension, where there is no plane.

    Raises:
        InputError: if ``max_cells`` is less than 1.
    """
    if context.max_cells < 1:
        raise InputError(f"expected max_cells ≥ 1, got {context.max_cells}")
    ready = context.options.get("views")
    if ready is not None:
        return tuple(ready)  # type: ignore[arg-type]
    return tuple(_divided(view, context) for view in planes(context))


def _samples(context: Context) -> tuple[np.ndarray, np.ndarray | None]:
    if context.x is None:
        return np.zeros((0, *context.network.input_shape)), None
    x = np.asarray(context.x.detach().cpu(), dtype=np.float64)
    if context.y is None:
        return x, None
    y = np.asarray(context.y.detach().cpu())
    return x, (y.astype(np.int64) if y.ndim == 1 and y.dtype.kind in "iub" else None)


def planes(context: Context) -> list[View]:
    """Choose the planes of the page, without dividing them.

    Args:
        context: the page's context.

    Returns:
        The views, without partitions; empty for an input of one dimension, where there is no plane.
    """
    shape = tuple(context.network.input_shape)
    x, y = _samples(context)
    if prod(shape) < 2:
        return []
    if prod(shape) == 2:
        return [_whole(x, y, shape, context.seed)]
    if len(x) < 3:
        centre = x[0] if len(x) else np.zeros(shape)
        story = "It goes through one point in two random directions, because there are fewer than three samples."
        plane = Plane.random(centre, rng=context.seed)
        return [View(key="random", title="A random plane", short="random", story=story, plane=plane)]
    return [_through(x, y, context), _pca(x, y, context.seed)]


def _some(count: int, most: int, seed: int) -> np.ndarray:
    return np.sort(generator(seed).permutation(count)[:most])


def _whole(x: np.ndarray, y: np.ndarray | None, shape: tuple[int, ...], seed: int) -> View:
    """The input space itself, for networks of two inputs."""
    flat = x.reshape(len(x), 2)
    low, high = (flat.min(0), flat.max(0)) if len(x) else (np.full(2, -1.0), np.full(2, 1.0))
    pad = np.where(high > low, 0.15 * (high - low), 1.0)
    plane = Plane(origin=np.zeros(2), basis=np.eye(2), low=low - pad, high=high + pad, shape=shape)
    kept = _some(len(x), 4 * _SHOWN, seed)
    return View(
        key="input",
        title="The input space",
        short="input space",
        story="The network has two inputs, so this is its whole input space around the samples.",
        plane=plane,
        points=flat[kept],
        labels=None if y is None else y[kept],
    )


def _through(x: np.ndarray, y: np.ndarray | None, context: Context) -> View:
    """A sample, the nearest sample of another class, and the nearest of a third class."""
    draw = generator(context.seed)
    flat = x.reshape(len(x), -1)
    for first in draw.permutation(len(x))[: 4 * _TRIES]:
        chosen = _neighbours(flat, y, int(first))
        try:
            plane = Plane.through(*x[chosen], margin=0.35)
        except (DomainError, IndexError, TypeError):
            continue
        labels = None if y is None else y[chosen]
        return View(
            key="samples",
            title="A plane through three samples",
            short="three samples",
            story=_neighbour_story(labels),
            plane=plane,
            points=plane.anchors,
            labels=labels,
            names=("A", "B", "C") if labels is None else tuple(_class_name(context, int(y)) for y in labels),
        )
    plane = Plane.random(x[0], rng=context.seed)
    story = "It goes through one sample in two random directions, because the samples lie on one line."
    return View(key="random", title="A random plane", short="random", story=story, plane=plane, points=np.zeros((1, 2)))


def _neighbours(flat: np.ndarray, y: np.ndarray | None, first: int) -> list[int]:
    order = np.argsort(((flat - flat[first]) ** 2).sum(1), kind="stable")
    order = order[order != first]
    chosen = [first]
    for index in order:
        if len(chosen) < 3 and (y is None or y[index] not in y[chosen]):
            chosen.append(int(index))
    chosen += [int(index) for index in order if int(index) not in chosen][: 3 - len(chosen)]
    return chosen


def _neighbour_story(labels: np.ndarray | None) -> str:
    kinds = 0 if labels is None else len(np.unique(labels))
    if kinds == 3:
        return "It goes through a sample and the nearest samples of two other classes."
    if kinds == 2:
        return "It goes through a sample, the nearest sample of the other class, and one more neighbour."
    return "It goes through a sample and two of its nearest neighbours."


def names_of_classes(context: Context, count: int) -> tuple[str, ...]:
    """Names of the classes that a network's boundary is between.

    Args:
        context: the page's context.
        count: number of classes.

    Returns:
        The names; numbers where the data have none, and what the output does where there is only one.
    """
    names = [str(name) for name in context.classes]
    if prod(context.network.output_shape) == 1:
        return tuple(names[:2]) if len(names) >= 2 else ("output ≤ 0", "output > 0")
    return tuple(names[i] if i < len(names) else str(i) for i in range(count))


def _class_name(context: Context, label: int) -> str:
    return str(context.classes[label]) if 0 <= label < len(context.classes) else str(label)


def _pca(x: np.ndarray, y: np.ndarray | None, seed: int) -> View:
    kept = _some(len(x), _POINTS, seed)
    try:
        plane = Plane.pca(x[kept])
    except DomainError:
        plane = Plane.random(x[0], rng=seed + 1)
        story = "It goes through one sample in two random directions, because the samples do not span a plane."
        return View(key="random-2", title="A second random plane", short="random 2", story=story, plane=plane)
    shown = _some(len(kept), _SHOWN, seed)
    return View(
        key="pca",
        title="The plane along which the samples differ most",
        short="main axes",
        story=(
            "It goes through the mean of the samples along their first two principal components. The marked "
            "samples are "
            "projected onto it, so a point may lie in the area of another class than its own."
        ),
        plane=plane,
        points=plane.anchors[shown],
        labels=None if y is None else y[kept][shown],
    )


def _divided(view: View, context: Context) -> View:
    """Cut the window until its cells can be drawn, and count them exactly."""
    from dataclasses import replace

    from inscape.regions import boundary, partition, predict_cells

    network, wanted = context.network, view.plane
    try:
        predicted = float(predict_cells(network, wanted, rng=context.seed).cells)
    except UnsupportedLayerError as error:
        return replace(view, problem=str(error))
    share, expected = 1.0, predicted
    for _ in range(_TRIES):
        if expected <= context.max_cells:
            cells = partition(network, wanted.resized(share), max_cells=2 * context.max_cells, progress=False)
            if cells.status.verdict is not Verdict.LIMIT:
                break
            expected = 2.0 * context.max_cells
        share *= 0.9 * sqrt(context.max_cells / expected)
        expected = float(predict_cells(network, wanted.resized(share), rng=context.seed).cells)
    else:
        problem = f"no window of this plane was found with at most {context.max_cells:,} cells"
        return replace(view, plane=wanted.resized(share), share=share, predicted=predicted, problem=problem)
    plane = wanted.resized(share) if share < 1 else wanted
    inside = np.all((view.points >= plane.low) & (view.points <= plane.high), axis=1).tolist()
    return replace(
        view,
        plane=plane,
        share=share,
        predicted=predicted,
        partition=cells,
        boundary=boundary(network, plane),
        points=view.points[inside],
        labels=None if view.labels is None else view.labels[inside],
        names=tuple(name for name, kept in zip(view.names, inside, strict=True) if kept) if view.names else (),
    )
