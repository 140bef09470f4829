"""What a training run recorded, epoch by epoch."""

from dataclasses import dataclass
from math import isnan
from typing import Any, ClassVar

import numpy as np

from inscape._errors import InputError
from inscape.results import Provenance, Result, Status

COLUMNS = ("loss", "accuracy", "test_loss", "test_accuracy", "learning_rate", "seconds")


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class History(Result):
    """The curves of a training run; all arrays have one entry per finished epoch.

    Attributes:
        loss: mean training loss over the epoch, while the parameters moved.
        accuracy: training accuracy over the epoch, in [0, 1]; NaN where it is not defined.
        test_loss: loss on the test data after the epoch; NaN without test data.
        test_accuracy: accuracy on the test data after the epoch; NaN without test data.
        learning_rate: learning rate of the first parameter group in the epoch.
        seconds: wall time of the epoch.
        steps: optimizer steps in all.
        status: measured, or degenerate when the run diverged.
        provenance: recipe, seed, fingerprints, versions.
    """

    kind: ClassVar[str] = "history"

    loss: np.ndarray
    accuracy: np.ndarray
    test_loss: np.ndarray
    test_accuracy: np.ndarray
    learning_rate: np.ndarray
    seconds: np.ndarray
    steps: int
    status: Status
    provenance: Provenance

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.loss)

    def facts(self) -> dict[str, object]:
        """Epochs, steps, time and the last values."""
        found: dict[str, object] = {"epochs": self.epochs, "steps": self.steps, "seconds": round(self.seconds.sum(), 2)}
        for name in COLUMNS[:4]:
            values = getattr(self, name)
            if len(values) and not isnan(values[-1]):
                found[name.replace("_", " ")] = round(float(values[-1]), 4)
        return found

    def columns(self) -> dict[str, Any]:
        """One row per epoch."""
        return {"epoch": np.arange(1, self.epochs + 1)} | {name: getattr(self, name) for name in COLUMNS}

    def info(self, *, which: str = "loss") -> Any:
        """The curves.

        Args:
            which: ``"loss"``, ``"accuracy"`` or ``"learning_rate"``.

        Returns:
            A ``plotting.Lines`` over the epochs; the test curve is left out where nothing was measured.

        Raises:
            InputError: if ``which`` is unknown or no epoch was finished.
        """
        from inscape.plotting import Lines, Series

        if which not in {"loss", "accuracy", "learning_rate"}:
            raise InputError(f"expected which='loss', 'accuracy' or 'learning_rate', got {which!r}")
        if not self.epochs:
            raise InputError(f"no epoch was finished ({self.status}); there is no curve to draw")
        epochs = np.arange(1, self.epochs + 1)
        curves = {
            "training": getattr(self, which),
            "test": getattr(self, f"test_{which}", np.full(self.epochs, np.nan)),
        }
        shown = {name: y for name, y in curves.items() if not np.isnan(y).all()} or {"training": curves["training"]}
        label = {"loss": "loss", "accuracy": "accuracy (share)", "learning_rate": "learning rate"}[which]
        series = tuple(Series(x=epochs, y=y, name=name) for name, y in shown.items())
        return Lines(series=series, xlabel="epoch", ylabel=label, title=f"{label.split(' (')[0].capitalize()} by epoch")
