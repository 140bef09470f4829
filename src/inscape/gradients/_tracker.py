"""A recorder of what gradients and units do while a model is trained."""

import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal

import torch
from torch import nn

from inscape._errors import InputError, InputTypeError
from inscape.data import Batches, batches
from inscape.gradients._evaluated import evaluate
from inscape.gradients._live import LiveObserver, positions_first
from inscape.gradients._observer import Sums
from inscape.gradients._tape import Tape
from inscape.gradients._track import GradientTrack
from inscape.gradients._track_rows import Memory, Row, from_track, to_track, unit_row
from inscape.gradients._unit_sums import Rules
from inscape.gradients._watch import Mode
from inscape.network import model_fingerprint
from inscape.results import from_bytes

LEVELS = (0.1, 0.5, 0.9)
"""Levels of the quantiles over units and over samples."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is recorded, and when.

    Attributes:
        every: of epochs, steps or calls, every so many are recorded.
        per: whether a training loop of one's own makes a record of each epoch or of each step.
        needed: effective sample size below which a unit counts as unsupported.
        delta: share of the largest slope from which on a slope is large.
        data: fixed data to look at, or None.
        loss: mean-reduced loss on them, or None for the usual one.
        mode: mode in which the model is looked at on them.
    """

    every: int
    per: Literal["epoch", "step"]
    needed: float
    delta: float
    data: Batches | None
    loss: Any
    mode: Mode


@dataclass(kw_only=True)
class _Known:
    """What was found out about the model that is watched, and need not be looked at again.

    Attributes:
        model: the model.
        unknown: why the axis of its samples is not known, or empty.
        used: parameters that were seen at work, of those steps whose refusals are noted.
    """

    model: weakref.ref[nn.Module]
    unknown: str
    used: set[str] = field(default_factory=set)


@dataclass(kw_only=True, eq=False, repr=False)
class GradientTracker:
    """Records gradients and units of a model in training; made by :func:`track`.

    In a loop of one's own, ``with tracker.watch(model):`` goes around forward pass, loss and backward pass of a step,
    and :meth:`end_epoch` is called after each epoch. With fixed ``data`` it is a recorder for
    :func:`inscape.training.fit`, or :meth:`record` is called with the model.
    """

    question: Question
    rules: Rules
    _calls: int = 0
    _steps: int = 0
    _epochs: int = 0
    _sums: Sums = field(default_factory=Sums)
    _memory: Memory = field(default_factory=Memory)
    _known: _Known | None = None

    def __repr__(self) -> str:
        return f"GradientTracker(per={self.question.per!r}, records={len(self._memory.rows)})"

    @property
    def refused(self) -> dict[str, str]:
        """Name of a layer → why norms of single samples' gradients are not known for it."""
        return dict(self._memory.refused)

    @contextmanager
    def watch(self, model: nn.Module, *, samples: int | None = None, weights: bool = True) -> Iterator[None]:
        """Look on at one training step: put forward pass, loss and backward pass into the block.

        The step computes what it would have computed anyway, bit for bit. Calls in the block under ``torch.no_grad()``
        are not looked at. If the block raises, nothing of the step is kept.

        Args:
            model: the module in training, in whatever mode it is.
            samples: samples in each forward pass; None takes the first axis of the first layer's input.
            weights: whether to look at the gradients of the weights as a whole, which ``log_gradient`` and the
                coherence need; reading them all is a good part of what watching costs.

        Yields:
            Nothing.

        Raises:
            InputTypeError: if it is no module.
        """
        if not isinstance(model, nn.Module):
            raise InputTypeError(f"expected a torch.nn.Module, got {type(model).__name__}; pass the model itself")
        if not self._due():
            yield
            self._steps += 1
            return
        if self._known is None or self._known.model() is not model:
            self._known = _Known(model=weakref.ref(model), unknown=positions_first(model))
        unknown = self._known.unknown
        observer = LiveObserver(self._sums, self.rules, samples=samples, unknown=unknown, weights=weights)
        tape = Tape({id(value): name for name, value in model.named_parameters()}, observer)
        try:
            with tape:
                yield
        finally:
            observer.release()
            tape.events.clear()
        observer.commit()
        self._steps += 1
        self._note(model, observer)
        if self.question.per == "step":
            self._close()

    def end_epoch(self) -> None:
        """An epoch of one's own loop is over.

        Raises:
            InputError: if a record is due and no step of the epoch was watched.
        """
        per_epoch = self.question.per == "epoch"
        if per_epoch and self._due():
            if not self._sums.units and not self._sums.layers:
                raise InputError("no step was watched in this epoch; put `with tracker.watch(model):` around the steps")
            self._epochs += 1
            self._close()
        else:
            self._epochs += 1

    def __call__(self, *, step: int, epoch: int, model: nn.Module, metrics: Mapping[str, float]) -> None:
        """Record on the fixed data, at every so many calls.

        Args:
            step: optimizer steps done.
            epoch: epochs done.
            model: the module in training; it is not changed.
            metrics: not used.
        """
        self.record(model, step, epoch=epoch)

    def record(self, model: nn.Module, step: int, *, epoch: int = -1, now: bool = False) -> bool:
        """Look at a model on the fixed data, at every so many calls.

        A record is whole or not there, also when it is interrupted.

        Args:
            model: the module in training; it is not changed.
            step: optimizer steps done.
            epoch: epochs done, -1 if there is no such thing.
            now: look at it in any case, as after the last step.

        Returns:
            Whether this call was one that records.

        Raises:
            InputError: if the tracker has no data to look at.
        """
        asked = self.question
        if asked.data is None:
            raise InputError(
                "this tracker has no data to look at; make it by track(data=...), or put `with tracker.watch(model):` "
                "around the steps of a loop"
            )
        due = now or self._calls % asked.every == 0
        if due:
            begin = perf_counter()
            sums, refused = evaluate(model, asked.data, self.rules, loss=asked.loss, mode=asked.mode)
            fingerprint = self._memory.fingerprint or model_fingerprint(model)
            self._memory = self._memory.noted(refused, fingerprint).grown(
                self._row(sums, step, epoch), perf_counter() - begin
            )
        self._calls += 1
        return due

    def result(self) -> GradientTrack:
        """What was recorded so far; it can be asked for at any time.

        Returns:
            The track.
        """
        asked = self.question
        options = {"every": asked.every, "per": asked.per, "mode": asked.mode if asked.data is not None else "live"}
        return to_track(self._memory, levels=LEVELS, needed=asked.needed, delta=asked.delta, options=options)

    def state_dict(self) -> dict[str, Any]:
        """What goes into a checkpoint of :func:`inscape.training.fit`, or of a loop of one's own.

        Returns:
            Numbers and tensors only.
        """
        return {
            "calls": self._calls,
            "steps": self._steps,
            "epochs": self._epochs,
            "sums": self._sums.state(),
            "track": torch.frombuffer(bytearray(self.result().to_bytes()), dtype=torch.uint8),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken.

        Args:
            state: what it gave.

        Raises:
            InputError: if it is the state of a tracker with other limits.
        """
        found: Any = from_bytes(state["track"].numpy().tobytes(), name="the tracker's state")
        ours = (self.question.needed, self.question.delta)
        if (found.needed, found.delta) != ours:
            raise InputError(
                f"the state is of a tracker with needed={found.needed}, delta={found.delta}; "
                f"this one has needed={ours[0]}, delta={ours[1]}"
            )
        self._memory = from_track(found)
        self._sums = Sums.from_state(state["sums"])
        self._calls, self._steps, self._epochs = int(state["calls"]), int(state["steps"]), int(state["epochs"])

    def _due(self) -> bool:
        count = self._steps if self.question.per == "step" else self._epochs
        return count % self.question.every == 0

    def _note(self, model: nn.Module, observer: LiveObserver) -> None:
        """Keep what was refused, and whose training it is."""
        known = self._known
        assert known is not None  # noqa: S101 (it is made before the step)
        if observer.used <= known.used and observer.refused.items() <= self._memory.refused.items():
            return
        known.used |= observer.used
        unseen = {
            name.removesuffix(".weight"): f"no instrumented call uses {name}"
            for name, value in model.named_parameters()
            if value.ndim >= 2 and name not in known.used
        }
        fingerprint = self._memory.fingerprint or model_fingerprint(model)
        self._memory = self._memory.noted({**unseen, **observer.refused}, fingerprint)

    def _close(self) -> None:
        """Make a record of the sums and begin new ones."""
        begin = perf_counter()
        row = self._row(self._sums, self._steps, self._epochs)
        self._memory = self._memory.grown(row, perf_counter() - begin)
        self._sums = Sums()

    def _row(self, sums: Sums, step: int, epoch: int) -> Row:
        return Row(
            step=step,
            epoch=epoch,
            units={name: unit_row(units, LEVELS, self.question.needed) for name, units in sums.units.items()},
            layers={name: layer.row(LEVELS) for name, layer in sums.layers.items()},
        )


def track(
    data: Any = None,
    *,
    every: int = 1,
    per: Literal["epoch", "step"] = "epoch",
    needed: float = 30,
    delta: float = 0.5,
    loss: Any = None,
    mode: Mode = "eval",
    batch_size: int = 256,
) -> GradientTracker:
    r"""Make a recorder of gradients and units of a model in training.

    Each record holds, for each activation, quantiles over its units of κ (spread of the pre-activations over the
    half-width of the transition), of the occupancy (share of values with a large slope) and of the effective sample
    size :math:`(\sum |ν'|)^2 / \sum ν'^2`, and the share of units that have less than ``needed``. For each layer it
    holds the norms of single samples' gradients (mean and quantiles), their coherence
    :math:`\lVert \text{mean } g \rVert / \text{mean } \lVert g \rVert`, and the logarithms of the root mean square
    gradient at the layer's output and of the gradient of its weight.

    Without ``data`` the training's own batches are looked at, see :meth:`GradientTracker.watch`: samples are those of
    the epoch while the parameters move, the coherence is that of a batch, and dropout is as it was drawn. With
    ``data`` the model of the moment is looked at on these data, as in :func:`inscape.training.fit`.

    Args:
        data: fixed data to look at: a pair of tensors or re-iterable ``(x, y)`` batches; None to watch the steps.
        every: of the epochs (steps, calls), every so many are recorded, beginning with the first.
        per: a record for each ``"epoch"`` or each ``"step"`` that is watched.
        needed: effective samples that a unit needs.
        delta: a slope is large from this share of the largest slope on; also the level of the transition's width.
        loss: mean-reduced loss of ``(output, y)`` on the fixed data; None is cross-entropy of whole-number labels and
            the mean squared error of float targets.
        mode: mode in which the model is looked at on the fixed data.
        batch_size: samples per batch where the fixed data are a pair.

    Returns:
        The tracker; its ``result()`` is the :class:`GradientTrack` so far.

    Raises:
        InputError: if an option is out of range.

    Example:
        >>> model = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU(), nn.Linear(2, 1))
        >>> _ = model[0].weight.data.copy_(torch.tensor([[1.0], [-1.0]]))
        >>> tracker = track(needed=2)
        >>> with tracker.watch(model):
        ...     model(torch.tensor([[1.0], [2.0], [3.0], [-1.0]])).square().mean().backward()
        >>> tracker.end_epoch()
        >>> tracker.result().unsupported  # the second unit is open for one sample of four
        array([[0.5]])

    Source:
        Kish (1965) for the effective sample size.
    """
    if every < 1:
        raise InputError(f"expected every ≥ 1, got {every}")
    if per not in {"epoch", "step"}:
        raise InputError(f"expected per as 'epoch' or 'step', got {per!r}")
    if not needed > 0:
        raise InputError(f"expected needed > 0 effective samples, got {needed}")
    if mode not in {"eval", "train", "auto"}:
        raise InputError(f"expected mode as 'eval', 'train' or 'auto', got {mode!r}")
    fixed = None if data is None else batches(data, batch_size=batch_size, passes=2)
    question = Question(
        every=every, per=per, needed=float(needed), delta=float(delta), data=fixed, loss=loss, mode=mode
    )
    return GradientTracker(question=question, rules=Rules(delta=delta))
