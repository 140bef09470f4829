"""Watching a training run."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from inscape._errors import InputError


@runtime_checkable
class Recorder(Protocol):
    """What :func:`fit` calls before the first epoch and after each epoch.

    A plain function with these four keywords will do. It may look at the model, not change it; its random draws do
    not reach the run. If it also has ``state_dict()`` and ``load_state_dict(state)``, its state travels in the
    checkpoint, and an interrupted run is recorded like an uninterrupted one.
    """

    def __call__(self, *, step: int, epoch: int, model: nn.Module, metrics: Mapping[str, float]) -> None:
        """Record.

        Args:
            step: optimizer steps done.
            epoch: epochs done; 0 before training.
            model: the module in training.
            metrics: the epoch's row of the history; empty before training.
        """


class SnapshotRecorder:
    """Keeps copies of the model's state at chosen epochs.

    Attributes:
        snapshots: epoch → ``state_dict`` on the CPU; epoch 0 is the start.

    Example:
        >>> recorder = SnapshotRecorder(epochs=[0, 5])
        >>> recorder(step=0, epoch=0, model=nn.Linear(1, 1), metrics={})
        >>> sorted(recorder.snapshots)
        [0]
    """

    def __init__(self, *, epochs: Iterable[int] | None = None) -> None:
        """Choose the epochs.

        Args:
            epochs: epochs to keep, 0 for the start; None for all.

        Raises:
            InputError: if an epoch is negative.
        """
        self._epochs = None if epochs is None else frozenset(epochs)
        if self._epochs and min(self._epochs) < 0:
            raise InputError(f"expected epochs ≥ 0, got {min(self._epochs)}")
        self.snapshots: dict[int, dict[str, torch.Tensor]] = {}

    def __call__(self, *, step: int, epoch: int, model: nn.Module, metrics: Mapping[str, float]) -> None:
        """Keep the state if the epoch is among the chosen ones."""
        if self._epochs is None or epoch in self._epochs:
            self.snapshots[epoch] = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """What goes into a checkpoint."""
        return {"snapshots": self.snapshots}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what a checkpoint holds."""
        self.snapshots = dict(state["snapshots"])
