"""A recorder that looks at the regions of a model while it is trained."""

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn

from inscape._errors import BudgetError, InputError, ModelError
from inscape.geometry import Chart
from inscape.network import Network, model_fingerprint, read
from inscape.regions._draw import class_names
from inscape.regions._patterns import missing
from inscape.regions._read import words
from inscape.regions._track import Frame, Track
from inscape.regions._track_look import Question, drawn_points, look, no_room
from inscape.results import EXACT, Provenance, Status, Verdict, from_bytes


@dataclass(kw_only=True)
class _Followed:
    """The network that was read from a model, and how to tell that it still is that model's."""

    model: weakref.ref[nn.Module]
    places: tuple[tuple[int, int], ...]
    network: Network


@dataclass(frozen=True, kw_only=True)
class _Memory:
    """All that was recorded; it is replaced as a whole, so that an interrupted record leaves no half of one.

    Attributes:
        rows: the numbers of each record, by the names of the columns.
        frames: what a film needs of each record, on a plane.
        patterns: hashes of the last record's activation patterns, None where they are not known in full.
        width: predicates in a pattern, -1 before the first record.
        fingerprint: of the model at the first record.
        seconds: time that all records took.
    """

    rows: tuple[dict[str, Any], ...] = ()
    frames: tuple[Frame, ...] = ()
    patterns: np.ndarray | None = None
    width: int = -1
    fingerprint: str = ""
    seconds: float = 0.0


@dataclass(kw_only=True, eq=False, repr=False)
class Tracker:
    """Records the regions of a model while it is trained; made by :func:`track`.

    It is a recorder for :func:`inscape.training.fit`, and in a loop of one's own :meth:`record` is called with the
    model and the step. The model is read once; later records follow its live parameters. If it is given another model,
    or one whose parameters have moved, it reads anew.
    """

    question: Question
    _calls: int = 0
    _memory: _Memory = field(default_factory=_Memory)
    _followed: _Followed | None = None

    def __repr__(self) -> str:
        return f"Tracker(domain={words(self.question.domain)}, records={len(self._memory.rows)})"

    def __call__(self, *, step: int, epoch: int, model: nn.Module, metrics: Mapping[str, float]) -> None:
        """Record, at every so many calls.

        Args:
            step: optimizer steps done.
            epoch: epochs done.
            model: the module in training.
            metrics: not used.
        """
        self.record(model, step, epoch=epoch)

    def record(self, model: nn.Module, step: int, *, epoch: int = -1, now: bool = False) -> bool:
        """Look at the model, at every so many calls.

        A record is whole or not there, also when it is interrupted.

        Args:
            model: the module in training; it is not changed.
            step: optimizer steps done.
            epoch: epochs done, -1 if there is no such thing.
            now: look at it in any case, as after the last step.

        Returns:
            Whether this call was one that records.
        """
        due = now or self._calls % self.question.every == 0
        if due:
            self._memory = self._looked(model, step, epoch)
        self._calls += 1
        return due

    def result(self) -> Track:
        """What was recorded so far; it can be asked for at any time.

        Returns:
            The track.
        """
        memory, asked = self._memory, self.question
        rows = memory.rows
        columns = {name: np.array([row[name] for row in rows]) for name in _ROW}
        areas = [row["areas"] for row in rows]
        limited, doubtful = int(columns["limited"].sum()), int((columns["uncertain"] > 0).sum())
        status = Status(verdict=Verdict.UNCERTAIN, count=doubtful, detail="records") if doubtful else EXACT
        if limited:
            status = Status(verdict=Verdict.LIMIT, count=limited, detail="records in which max_cells was reached")
        options = {"domain": words(asked.domain), "every": asked.every, "level": asked.level}
        return Track(
            domain=asked.domain,
            **{name: columns[name].astype(kind) for name, kind in _ROW.items()},
            areas=np.array(areas) if areas else np.zeros((0, 0)),
            frames=memory.frames,
            names=asked.names or _names(areas),
            points=asked.points,
            labels=asked.labels,
            status=status,
            provenance=Provenance(
                function="inscape.regions.track",
                options=options | {"between": asked.between, "max_cells": asked.max_cells},
                model=memory.fingerprint,
                seconds=memory.seconds,
            ),
        )

    def state_dict(self) -> dict[str, Any]:
        """What goes into a checkpoint of :func:`inscape.training.fit`.

        Returns:
            Numbers and tensors only.
        """
        memory = self._memory
        patterns = np.zeros(0, np.uint64) if memory.patterns is None else memory.patterns
        return {
            "calls": self._calls,
            "track": torch.frombuffer(bytearray(self.result().to_bytes()), dtype=torch.uint8),
            "patterns": torch.from_numpy(patterns.view(np.int64)),
            "known": memory.patterns is not None,
            "width": memory.width,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken.

        Args:
            state: what it gave.

        Raises:
            InputError: if it is the state of a tracker of another domain.
        """
        found: Any = from_bytes(state["track"].numpy().tobytes(), name="the tracker's state")
        if words(found.domain) != words(self.question.domain):
            raise InputError(
                f"the state is of a tracker on {words(found.domain)}, this one is on {words(self.question.domain)}"
            )
        self._memory = _Memory(
            rows=tuple(
                {name: getattr(found, name)[i] for name in _ROW} | {"areas": found.areas[i]}
                for i in range(found.records)
            ),
            frames=tuple(found.frames),
            patterns=state["patterns"].numpy().view(np.uint64) if state["known"] else None,
            width=int(state["width"]),
            fingerprint=found.provenance.model,
            seconds=found.provenance.seconds,
        )
        self._calls = int(state["calls"])

    def _looked(self, model: nn.Module, step: int, epoch: int) -> _Memory:
        """The memory with one more record."""
        begin, asked, before = perf_counter(), self.question, self._memory
        network = self._network(model, step)
        try:
            seen = look(network, asked)
        except BudgetError:
            if not before.rows:
                raise  # nothing is lost yet; later on, training goes on
            seen = no_room(asked.domain, len(before.rows[0]["areas"]), before.width)
        if before.width not in (-1, seen.width):
            raise InputError(f"a tracker follows one model, got one with {seen.width} predicates after {before.width}")
        old, new = before.patterns, seen.patterns
        births, deaths = (nan, nan) if old is None or new is None else (missing(new, old), missing(old, new))
        row = seen.row | {
            "steps": step,
            "epochs": epoch,
            "births": births,
            "deaths": deaths,
        }
        return _Memory(
            rows=(*before.rows, row),
            frames=before.frames if seen.frame is None else (*before.frames, seen.frame),
            patterns=new,
            width=seen.width,
            fingerprint=before.fingerprint or model_fingerprint(model),
            seconds=before.seconds + perf_counter() - begin,
        )

    def _network(self, model: nn.Module, step: int) -> Network:
        """The network read from the model, of now or of an earlier record."""
        tensors = [*model.parameters(), *model.buffers()]
        if not all(bool(torch.isfinite(t).all()) for t in tensors if t.is_floating_point()):
            raise ModelError(f"the weights are not finite at step {step}; result() holds what was recorded before")
        places = tuple((id(tensor), tensor.data_ptr()) for tensor in tensors)
        held = self._followed
        if held is None or held.model() is not model or held.places != places:
            domain, example = self.question.domain, self.question.example
            if example is None:
                example = domain.origin.reshape(1, *domain.shape).astype(np.float32)
            held = _Followed(model=weakref.ref(model), places=places, network=read(model, example))
            self._followed = held
        return held.network


_ROW: dict[str, Any] = {
    "steps": np.int64,
    "epochs": np.int64,
    "regions": np.int64,
    "births": np.float64,
    "deaths": np.float64,
    "length": np.float64,
    "components": np.int64,
    "uncertain": np.int64,
    "limited": np.bool_,
}
"""The columns of a track, and their types."""


def track(
    domain: Chart,
    *,
    every: int = 1,
    between: tuple[int, int] | None = None,
    level: float = 0.0,
    max_cells: int = 100_000,
    data: Any = None,
    names: Sequence[str] = (),
    example: Any = None,
) -> Tracker:
    """Make a recorder of the regions of a model in training.

    Each record holds the number of regions, the length and the curves of the decision boundary, the area of each
    class, and how many activation patterns were born and died since the record before; on a plane also the decision
    regions themselves, for :meth:`Track.animation`. All of it is exact, as in :func:`partition` and :func:`boundary`.

    Args:
        domain: a box, segment or plane.
        every: of the calls, every so many are recorded, beginning with the first: epochs in
            :func:`inscape.training.fit`, whatever the calls mean in a loop of one's own.
        between: two classes, see :func:`boundary`.
        level: for one output, the value at which the class changes.
        max_cells: limit of the work at each record; where it is reached the track's status says so.
        data: points to draw over the regions: (n, *shape) samples, or a pair of samples and labels; projected onto
            the plane.
        names: names of the classes.
        example: (n, *shape) example input, see :func:`partition`.

    Returns:
        The tracker; its ``result()`` is the :class:`Track` so far.

    Raises:
        InputError: if ``every`` is not positive, or the labels do not fit the data.

    Example:
        >>> from inscape import data, training
        >>> from inscape.geometry import Box
        >>> tracker = track(Box(low=(-2, -2), high=(2, 2)), every=2)
        >>> done = training.fit(training.mlp([2, 8, 2]), data.load("moons", n=100), epochs=4, recorder=tracker)
        >>> tracker.result().epochs
        array([0, 2, 4])
    """
    if every < 1:
        raise InputError(f"expected every ≥ 1, got {every}")
    if max_cells < 1:
        raise InputError(f"expected max_cells ≥ 1, got {max_cells}")
    points, labels = drawn_points(domain, data)
    question = Question(
        domain=domain,
        every=every,
        between=between,
        level=level,
        max_cells=max_cells,
        points=points,
        labels=labels,
        names=tuple(map(str, names)),
        example=example,
    )
    return Tracker(question=question)


def _names(areas: Sequence[np.ndarray]) -> tuple[str, ...]:
    count = len(areas[0]) if areas else 2
    return class_names(count) if count > 2 else ("class 0", "class 1")
