"""One plain training loop."""

import copy
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from inscape._errors import DataError, InputError, InscapeWarning, ModelError
from inscape._progress import Meter, meter
from inscape.data import Batches, batches, check
from inscape.results import MEASURED, Provenance, Status, Verdict
from inscape.training._checkpoint import check_writable
from inscape.training._evaluate import correct, cuda_devices, forward, measure, moved, scalar_loss
from inscape.training._history import COLUMNS, History
from inscape.training._recipe import Recipe
from inscape.training._recorder import Recorder
from inscape.training._run import Run, digest, restore, save, start, state_tensors


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A trained model and how it came about.

    Attributes:
        model: the trained module, in evaluation mode.
        history: the curves.
    """

    model: nn.Module
    history: History

    @property
    def status(self) -> Status:
        """Measured, or degenerate when the run diverged."""
        return self.history.status


def _note_labels(run: Run, y: torch.Tensor) -> None:
    low, high = int(y.min()), int(y.max())
    if run.label_range is not None:
        low, high = min(low, run.label_range[0]), max(high, run.label_range[1])
    run.label_range = (low, high)


def _batches_of(run: Run, data: Batches) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    if data.pair is None:
        yield from data
    else:
        yield from data.ordered(torch.randperm(len(data.pair[0]), generator=run.order))


def _train_epoch(run: Run, data: Batches, recipe: Recipe, bar: Meter) -> tuple[float, float, str]:
    """One pass; loss, accuracy, and what went wrong (empty if nothing did)."""
    total, samples, hits, labels = 0.0, 0, 0, 0
    run.model.train()
    for batch in _batches_of(run, data):
        x, y = moved(run.model, *batch)
        output = forward(run.model, x)
        loss = scalar_loss(recipe, output, y)
        if not loss.requires_grad:
            raise ModelError(
                "the loss does not depend on the model's trainable parameters; is there a detach() on the way?"
            )
        value = loss.item()
        if not np.isfinite(value):
            return nan, nan, f"the loss became {value} in epoch {run.epoch + 1}, step {run.step + 1}"
        if recipe.loss is None and not y.is_floating_point():
            _note_labels(run, y)
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        run.optimizer.step()
        run.step += 1
        found = correct(output, y)
        hits, labels = hits + found[0], labels + found[1]
        total, samples = total + value * len(x), samples + len(x)
        if data.pair is not None:
            bar.advance(len(x) / len(data.pair[0]))
    if data.pair is None:
        bar.advance(1)
    if not all(torch.isfinite(p).all() for p in run.model.parameters()):
        return nan, nan, f"a parameter became non-finite in epoch {run.epoch + 1}"
    return total / samples, hits / labels if labels else nan, ""


def _step_scheduler(run: Run, row: dict[str, float]) -> None:
    if isinstance(run.scheduler, ReduceLROnPlateau):
        run.scheduler.step(row["loss"] if isnan(row["test_loss"]) else row["test_loss"])
    elif run.scheduler is not None:
        run.scheduler.step()


def _record(run: Run, recorder: Recorder | None, row: dict[str, float]) -> None:
    if recorder is not None:
        with torch.random.fork_rng(devices=cuda_devices(run.model)):
            recorder(step=run.step, epoch=run.epoch, model=run.model, metrics=dict(row))


def _epoch(run: Run, data: Batches, test: Batches | None, recipe: Recipe, bar: Meter) -> str:
    start = time.perf_counter()
    rate = float(run.optimizer.param_groups[0]["lr"])
    loss, hit_rate, trouble = _train_epoch(run, data, recipe, bar)
    if trouble:
        return trouble
    if run.label_range is not None and run.label_range[0] == run.label_range[1]:
        raise DataError(f"all samples are of class {run.label_range[0]}; there is nothing to tell apart")
    test_loss, test_accuracy = (nan, nan) if test is None else measure(run.model, test, recipe)
    values = (loss, hit_rate, test_loss, test_accuracy, rate, time.perf_counter() - start)
    row: dict[str, float] = dict(zip(COLUMNS, values, strict=True))
    _step_scheduler(run, row)
    run.epoch += 1
    run.rows.append(row)
    return ""


@contextmanager
def _own_randomness(model: nn.Module, seed: int) -> Iterator[None]:
    """Torch's random states seeded for a while, and then as before."""
    devices = cuda_devices(model)
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        for device in devices:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


@dataclass(frozen=True, kw_only=True)
class _Watch:
    """Who looks on, where checkpoints go, and the data as the caller gave them."""

    recorder: Recorder | None
    path: Path | None
    progress: Meter | bool | None
    source: Any


def _loop(run: Run, data: Batches, test: Batches | None, recipe: Recipe, *, epochs: int, watch: _Watch) -> str:
    """All epochs that are left; what went wrong, empty if nothing did."""
    if watch.path is not None and watch.path.exists():
        restore(watch.path, run, watch.source, watch.recorder)
        if run.epoch > epochs:
            raise InputError(
                f"the checkpoint {watch.path} is of {run.epoch} epochs, {epochs} were asked for; "
                "ask for more, or name another file"
            )
    else:
        _record(run, watch.recorder, {})
    trouble = ""
    with meter(watch.progress, "training", total=epochs) as bar:
        bar.advance(run.epoch)
        while run.epoch < epochs and not trouble:
            trouble = _epoch(run, data, test, recipe, bar)
            if not trouble:
                _record(run, watch.recorder, run.rows[-1])
                if watch.path is not None:
                    save(watch.path, run, watch.source, watch.recorder)
    return trouble


def _history(run: Run, trouble: str, provenance: Provenance) -> History:
    status = MEASURED
    if trouble:
        status = Status(verdict=Verdict.DEGENERATE, detail=f"{trouble}; lower the learning rate or look at the data")
        warnings.warn(f"training stopped: {status.detail}", InscapeWarning, stacklevel=3)
    columns = {name: np.array([row[name] for row in run.rows], dtype=np.float64) for name in COLUMNS}
    return History(**columns, steps=run.step, status=status, provenance=provenance)


def _copied(model: nn.Module) -> nn.Module:
    try:
        made = copy.deepcopy(model)
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise ModelError(
            f"{type(model).__name__} cannot be copied ({error}); give Recipe(in_place=True) to train it itself"
        ) from error
    made.zero_grad(set_to_none=True)
    return made


def _prepare(data: Any, test: Any, recipe: Recipe, epochs: int) -> tuple[Batches, Batches | None]:
    if epochs < 1:
        raise InputError(f"expected epochs ≥ 1, got {epochs}")
    train = batches(data, batch_size=recipe.batch_size, passes=epochs)
    if train.pair is not None:
        check(*train.pair, classification=None if recipe.loss is None else False)
    held_out = None if test is None else batches(test, passes=epochs)
    return train, held_out


def fit(
    model: nn.Module,
    data: Any,
    *,
    epochs: int,
    recipe: Recipe | None = None,
    test: Any = None,
    recorder: Recorder | None = None,
    checkpoint: str | Path | None = None,
    progress: Meter | bool | None = None,
) -> Fit:
    """Train a copy of a model.

    The order of the samples comes from a generator of its own, dropout from a fork of torch's, so the caller's random
    state is as before. With ``checkpoint`` the state is written after each epoch; a run that was interrupted (also by
    Ctrl-C) goes on from there and ends with bit-identical parameters and curves (wall times aside; on the same machine
    with the same number of threads). A loss that is no longer finite ends the run with a status and a warning.

    Args:
        model: the module; stays as it is unless ``recipe.in_place``. Batches are moved to its device.
        data: a pair of tensors ``(x, y)``, which is shuffled in each epoch, or an iterable of such batches.
        epochs: passes through the data, in all; a checkpoint of fewer epochs is continued up to this number.
        recipe: batch size, optimizer, scheduler, loss, seed; None for the defaults.
        test: data on which loss and accuracy are measured after each epoch, or None.
        recorder: called before training and after each epoch, see :class:`Recorder`.
        checkpoint: file to go on from, if it exists, and to write after each epoch.
        progress: None for a bar on a terminal, True, False, or a meter object.

    Returns:
        The trained model and the history.

    Raises:
        DataError: if the data are empty, of one class, not finite, give their batches once only, or do not fit.
        ModelError: if the model has nothing to train or cannot process the data.
        InputError: if the checkpoint is another run's or ahead of ``epochs``.
        FileFormatError: if the checkpoint is damaged or foreign.
        OutputError: if the checkpoint cannot be written.

    Example:
        >>> from inscape import data
        >>> from inscape.training import mlp
        >>> done = fit(mlp([2, 16, 2]), data.load("moons", n=100), epochs=2)
        >>> done.history.epochs, done.status.verdict.name
        (2, 'MEASURED')
    """
    recipe = recipe or Recipe()
    begin = time.perf_counter()
    train, held_out = _prepare(data, test, recipe, epochs)
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None:
        check_writable(path)
    watch = _Watch(recorder=recorder, path=path, progress=progress, source=data)
    trained = model if recipe.in_place else _copied(model)
    run = start(trained, train, recipe, epochs)
    initial = digest(state_tensors(model).values())
    with _own_randomness(trained, recipe.rng):
        trouble = _loop(run, train, held_out, recipe, epochs=epochs, watch=watch)
    trained.eval()
    trained.zero_grad(set_to_none=True)
    provenance = Provenance(
        function="inscape.training.fit",
        options=recipe.describe() | {"epochs": epochs},
        model=initial,
        data=str(run.identity["data"]),
        seed=recipe.rng,
        seconds=time.perf_counter() - begin,
    )
    return Fit(model=trained, history=_history(run, trouble, provenance))
