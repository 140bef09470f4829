"""The answer of :func:`inscape.gradients.advise`: a curve over weight decay, and what to take from it."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from inscape._errors import InputError
from inscape.results import Provenance, Result, Status

_FIGURES = {
    "unsupported": ("share of units with too few effective samples", {"unsupported": "after training"}),
    "loss": ("loss", {"loss": "training", "test_loss": "test"}),
    "accuracy": ("accuracy (share)", {"accuracy": "training", "test_accuracy": "test"}),
    "temperature": ("temperature", {"temperature": "best on the test data"}),
    "error": ("expected calibration error", {"ece_before": "as it is", "ece_after": "with the temperature"}),
}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Advice(Result):
    """Short training runs over weight decay; all arrays have one entry for each run, by rising weight decay.

    Values are NaN where a run diverged; those of the test data also where there are none, and those of the temperature
    where the targets are no classes.

    Attributes:
        weight_decay: the least one found that keeps the limit; 0 if none is needed, NaN if none is enough.
        weight_decays: (m,) weight decay of each run, the first one 0.
        unsupported: (m,) share of all units with less than ``needed`` effective samples on the training data.
        loss: (m,) loss on the training data after the run.
        accuracy: (m,) accuracy on them.
        test_loss: (m,) loss on the test data.
        test_accuracy: (m,) accuracy on them.
        temperature: (m,) by which the outputs are to be divided; above 1 the model is over-confident; 0.01, the
            end of the range, where every test sample is right.
        nll_before: (m,) mean negative log-likelihood of the test data.
        nll_after: (m,) the same with the temperature.
        ece_before: (m,) expected calibration error on the test data.
        ece_after: (m,) the same with the temperature.
        needed: effective samples that a unit needs.
        allowed: share of units that may have less.
        epochs: length of each run.
        status: measured, or limit where no weight decay is enough.
        provenance: recipe, seed, fingerprint of the model.
    """

    kind: ClassVar[str] = "advice"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016", "kish1965", "guo2017")

    weight_decay: float
    weight_decays: np.ndarray
    unsupported: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    test_loss: np.ndarray
    test_accuracy: np.ndarray
    temperature: np.ndarray
    nll_before: np.ndarray
    nll_after: np.ndarray
    ece_before: np.ndarray
    ece_after: np.ndarray
    needed: float
    allowed: float
    epochs: int
    status: Status
    provenance: Provenance

    @property
    def chosen(self) -> int:
        """Index of the run with the weight decay that is advised; that without any if none is enough."""
        return 0 if np.isnan(self.weight_decay) else int(np.argmin(np.abs(self.weight_decays - self.weight_decay)))

    def facts(self) -> dict[str, object]:
        """Name → value for the summary."""
        i = self.chosen
        found: dict[str, object] = {
            "weight decay": f"{self.weight_decay:.3g}",
            "unsupported units": f"{self.unsupported[0]:.1%} without, {self.unsupported[i]:.1%} with it",
            "runs": f"{len(self.weight_decays)} of {self.epochs} epochs",
        }
        if not np.isnan(self.test_loss[i]):
            found["test loss"] = f"{self.test_loss[0]:.4g} without, {self.test_loss[i]:.4g} with it"
        if not np.isnan(self.temperature[i]):
            found["temperature"] = f"{self.temperature[i]:.3g}"
            found["negative log-likelihood"] = f"{self.nll_before[i]:.4f} → {self.nll_after[i]:.4f}"
            found["calibration error"] = f"{self.ece_before[i]:.4f} → {self.ece_after[i]:.4f}"
        return found

    def columns(self) -> dict[str, Any]:
        """One row for each run."""
        names = ("unsupported", "loss", "accuracy", "test_loss", "test_accuracy", "temperature")
        more = ("nll_before", "nll_after", "ece_before", "ece_after")
        return {"weight_decay": self.weight_decays} | {name: getattr(self, name) for name in (*names, *more)}

    def info(self, *, which: str = "unsupported") -> Any:
        """Curves over weight decay; what there is without any is a level line.

        Args:
            which: ``"unsupported"`` (with the limit), ``"loss"``, ``"accuracy"``, ``"temperature"`` or ``"error"``.

        Returns:
            A ``plotting.Lines``.

        Raises:
            InputError: if there is no such curve, or it was not measured.
        """
        from inscape.plotting import Lines, Series

        if which not in _FIGURES:
            raise InputError(f"expected which to be one of {', '.join(_FIGURES)}, got {which!r}")
        label, fields = _FIGURES[which]
        x, series = self.weight_decays[1:], []
        for name, text in fields.items():
            values = getattr(self, name)
            if not np.isnan(values).all():
                series.append(Series(x=x, y=values[1:], name=text))
                series.append(Series(x=x, y=np.full(len(x), values[0]), name=f"{text}, no weight decay"))
        if not series:
            raise InputError(f"{which} was not measured; give test data of classes to advise")
        if which == "unsupported":
            series.append(Series(x=x, y=np.full(len(x), self.allowed), name="allowed"))
        return Lines(
            series=tuple(series),
            xlabel="weight decay",
            ylabel=label,
            title=f"Advised weight decay: {self.weight_decay:.3g}",
            logx=True,
        )
