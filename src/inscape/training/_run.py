"""The moving state of a run, and its way to a checkpoint and back."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from inscape._errors import FileFormatError
from inscape.data import Batches
from inscape.results import fingerprint
from inscape.training._checkpoint import check_same_run, read_checkpoint, write_checkpoint
from inscape.training._evaluate import cuda_devices
from inscape.training._recipe import Recipe, make_optimizer, make_scheduler


@dataclass(kw_only=True)
class Run:
    """What changes while a model is trained; everything of it that matters goes into a checkpoint.

    Attributes:
        model: the module in training.
        optimizer: its optimizer.
        scheduler: its learning-rate scheduler, or None.
        order: source of the order of the samples.
        identity: what makes this run this run.
        epoch: epochs done.
        step: optimizer steps done.
        rows: the history so far.
        label_range: smallest and largest label seen, None before the first.
    """

    model: nn.Module
    optimizer: Optimizer
    scheduler: Any
    order: torch.Generator
    identity: dict[str, object]
    epoch: int = 0
    step: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)
    label_range: tuple[int, int] | None = None


def _bytes(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()


def digest(tensors: Iterable[torch.Tensor]) -> str:
    """Fingerprint of tensors of any type.

    Args:
        tensors: on any device.

    Returns:
        16 hexadecimal digits.
    """
    return fingerprint(*(_bytes(tensor) for tensor in tensors if tensor.numel()))


def state_tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """The tensors of a module's state.

    Args:
        model: the module.

    Returns:
        Name → tensor, extra states left out.
    """
    return {name: value for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)}


def _identity(model: nn.Module, recipe: Recipe, data: Batches, epochs: int) -> dict[str, object]:
    shapes = [(name, tuple(value.shape), str(value.dtype)) for name, value in state_tensors(model).items()]
    named = {f"recipe's {key}": value for key, value in recipe.describe().items()}
    if recipe.scheduler == "cosine":
        named["number of epochs (the cosine spans it)"] = epochs
    return named | {
        "model's parameters (names, shapes, types)": repr(shapes),
        "model's layers": repr(model),
        "data": "" if data.pair is None else digest(data.pair),
    }


def start(model: nn.Module, data: Batches, recipe: Recipe, epochs: int) -> Run:
    """A run before its first epoch.

    Args:
        model: the module to train.
        data: the training data.
        recipe: the choices.
        epochs: length of the run.

    Returns:
        The run.
    """
    optimizer = make_optimizer(recipe, model)
    return Run(
        model=model,
        optimizer=optimizer,
        scheduler=make_scheduler(recipe, optimizer, epochs),
        order=torch.Generator().manual_seed(recipe.rng),
        identity=_identity(model, recipe, data, epochs),
    )


def _unsaved_buffers(model: nn.Module) -> dict[str, torch.Tensor]:
    saved = model.state_dict()
    return {name: buffer for name, buffer in model.named_buffers() if name not in saved}


def _generator(data: Any) -> torch.Generator | None:
    """The random source of a loader that shuffles by one of its own."""
    found = getattr(data, "generator", None)
    return found if isinstance(found, torch.Generator) else None


def save(path: Path, run: Run, data: Any, recorder: Any) -> None:
    """Write the run to a checkpoint.

    Args:
        path: the file.
        run: the run, between two epochs.
        data: what the caller gave; the state of a loader's own generator goes along.
        recorder: its state goes along if it has ``state_dict``.
    """
    loader = _generator(data)
    state = {
        "identity": run.identity,
        "epoch": run.epoch,
        "step": run.step,
        "rows": run.rows,
        "label_range": run.label_range,
        "model": run.model.state_dict(),
        "buffers": _unsaved_buffers(run.model),
        "optimizer": run.optimizer.state_dict(),
        "scheduler": run.scheduler.state_dict() if run.scheduler is not None else None,
        "order": run.order.get_state(),
        "loader": None if loader is None else loader.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": {device: torch.cuda.get_rng_state(device) for device in cuda_devices(run.model)},
        "recorder": recorder.state_dict() if hasattr(recorder, "state_dict") else None,
    }
    write_checkpoint(path, state)


def restore(path: Path, run: Run, data: Any, recorder: Any) -> None:
    """Bring a fresh run to where a checkpoint was written.

    Args:
        path: the file.
        run: the run; changed in place.
        data: what the caller gave; a loader's own generator is set.
        recorder: takes its state back if it has ``load_state_dict``.

    Raises:
        FileFormatError: if the checkpoint lacks a part.
    """
    state = read_checkpoint(path)
    try:
        check_same_run(path, state["identity"], run.identity)
        _restore_model(run, state)
        run.order.set_state(state["order"])
        torch.set_rng_state(state["torch"])
        for device, value in state["cuda"].items():
            torch.cuda.set_rng_state(value, device)
        if state["loader"] is not None and (loader := _generator(data)) is not None:
            loader.set_state(state["loader"])
        if state["recorder"] is not None and hasattr(recorder, "load_state_dict"):
            recorder.load_state_dict(state["recorder"])
        run.epoch, run.step, run.rows = state["epoch"], state["step"], list(state["rows"])
        run.label_range = state["label_range"]
    except (KeyError, AttributeError, TypeError) as error:
        raise FileFormatError(f"the checkpoint {path} lacks a part or has a wrong one ({error}); delete it") from error


def _restore_model(run: Run, state: dict[str, Any]) -> None:
    run.model.load_state_dict(state["model"])
    for name, buffer in _unsaved_buffers(run.model).items():
        buffer.copy_(state["buffers"][name])
    run.optimizer.load_state_dict(state["optimizer"])
    if run.scheduler is not None:
        run.scheduler.load_state_dict(state["scheduler"])
