"""How sure a classifier is beside how often it is right, before and after its outputs are divided by a temperature."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch import nn

from inscape._errors import DataError
from inscape.data import batches
from inscape.results import MEASURED, Provenance, Result, Status, Verdict
from inscape.training._evaluate import check_classes, evaluating, forward, moved

_BOUNDS = (np.log(1e-2), np.log(1e3))
"""Where the logarithm of the temperature is looked for."""

BINS = 15
"""Bins of equal width in which confidence and accuracy are compared, as in Guo et al."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Calibration(Result):
    """Confidence of a classifier on held-out data.

    Attributes:
        temperature: by which the outputs are to be divided; above 1 the classifier is over-confident.
        samples: labels that were looked at.
        accuracy: share of them that is hit.
        nll: (2,) mean negative log-likelihood, before and after.
        ece: (2,) expected calibration error, before and after: the gap between confidence and accuracy, averaged over
            the bins by their samples.
        counts: (2, bins) samples in each bin of confidence, before and after.
        confidence: (2, bins) their mean confidence; NaN in an empty bin.
        hits: (2, bins) their accuracy; NaN in an empty bin.
        status: measured, or limit where the best temperature lies outside of 0.01 to 1000, as where all samples are
            right.
        provenance: how it was made.
    """

    kind: ClassVar[str] = "calibration"
    works: ClassVar[tuple[str, ...]] = ("guo2017",)

    temperature: float
    samples: int
    accuracy: float
    nll: np.ndarray
    ece: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    hits: np.ndarray
    status: Status
    provenance: Provenance

    def facts(self) -> dict[str, object]:
        """Name → value for the summary."""
        return {
            "temperature": f"{self.temperature:.4g}",
            "samples": self.samples,
            "accuracy": f"{self.accuracy:.4f}",
            "negative log-likelihood": f"{self.nll[0]:.4f} → {self.nll[1]:.4f}",
            "calibration error": f"{self.ece[0]:.4f} → {self.ece[1]:.4f}",
        }

    def columns(self) -> dict[str, Any]:
        """One row for each bin, before and after."""
        edges = np.linspace(0, 1, self.counts.shape[1] + 1)
        return {
            "temperature": np.repeat([1.0, self.temperature], self.counts.shape[1]),
            "low": np.tile(edges[:-1], 2),
            "high": np.tile(edges[1:], 2),
            "count": self.counts.ravel(),
            "confidence": self.confidence.ravel(),
            "accuracy": self.hits.ravel(),
        }

    def info(self) -> Any:
        """Accuracy over confidence, before and after, beside the diagonal.

        Returns:
            A ``plotting.Lines``.
        """
        from inscape.plotting import Lines, Series

        names = ("as it is (T = 1)", f"T = {self.temperature:.3g}")
        series = [Series(x=np.array([0, 1]), y=np.array([0, 1]), name="as sure as right")]
        for i, name in enumerate(names):
            some = self.counts[i] > 0
            series.append(Series(x=self.confidence[i, some], y=self.hits[i, some], name=name))
        return Lines(
            series=tuple(series),
            xlabel="confidence (mean of a bin)",
            ylabel="accuracy (share of the bin)",
            title="Confidence and accuracy before and after the temperature",
        )


def temperature(model: nn.Module, data: Any, *, batch_size: int = 256) -> Calibration:
    r"""Find the temperature that makes a classifier as sure as it is right, on data that it was not trained on.

    The temperature minimises the mean negative log-likelihood of :math:`\operatorname{softmax}(\text{outputs} / T)`;
    predicted classes stay as they are.

    Args:
        model: a classifier with outputs (n, classes) before a softmax; it comes out as it went in.
        data: held-out pair of tensors or ``(x, y)`` batches.
        batch_size: samples per batch where the data are a pair.

    Returns:
        The temperature, with likelihood and calibration error before and after.

    Raises:
        DataError: if there is no label, or labels do not fit the outputs.

    Example:
        >>> import torch
        >>> logits = torch.log(torch.tensor([[3.0, 1.0]])).repeat(4, 1)  # three of four are of the first class
        >>> doubled = 2 * logits
        >>> round(temperature(nn.Identity(), (doubled, torch.tensor([0, 0, 0, 1]))).temperature, 4)
        2.0

    Source:
        Guo et al. (2017), section 4.2.
    """
    return calibrate(*outputs_of(model, data, batch_size=batch_size))


def outputs_of(model: nn.Module, data: Any, *, batch_size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """All outputs and labels, in evaluation mode.

    Args:
        model: a classifier.
        data: a pair of tensors or ``(x, y)`` batches.
        batch_size: samples per batch where the data are a pair.

    Returns:
        (m, classes) outputs in double precision and (m,) labels; positions count as samples.

    Raises:
        DataError: if there is no label.
    """
    outputs, labels = [], []
    with evaluating(model) as function:
        for batch in batches(data, batch_size=batch_size):
            x, y = moved(model, *batch)
            output = forward(function, x)
            check_classes(output, y)
            outputs.append(output.movedim(1, -1).flatten(0, -2).double().cpu().numpy())
            labels.append(y.flatten().cpu().numpy())
    if not labels or not sum(map(len, labels)):
        raise DataError("the data have no label; give at least one sample")
    return np.concatenate(outputs), np.concatenate(labels)


def calibrate(outputs: np.ndarray, labels: np.ndarray) -> Calibration:
    """Find the temperature for given outputs.

    Args:
        outputs: (m, classes) before a softmax.
        labels: (m,) classes.

    Returns:
        The calibration.
    """
    from scipy.optimize import minimize_scalar

    found: Any = minimize_scalar(
        lambda t: _likelihood(outputs / np.exp(t), labels), bounds=_BOUNDS, method="bounded", options={"xatol": 1e-8}
    )
    right = bool((outputs.argmax(1) == labels).all())  # then it falls towards 0 for ever, and is flat near the end
    at_end = right or min(found.x - _BOUNDS[0], _BOUNDS[1] - found.x) < 1e-3
    best = float(np.exp(_BOUNDS[0] if right else found.x))
    sides = [_bins(outputs / value, labels) for value in (1.0, best)]
    counts, confidence, hits = (np.array(column) for column in zip(*sides, strict=True))
    gaps = np.nan_to_num(np.abs(confidence - hits)) * counts
    limit = Status(verdict=Verdict.LIMIT, detail="the best temperature lies outside of 0.01 to 1000")
    return Calibration(
        temperature=best,
        samples=len(labels),
        accuracy=float((outputs.argmax(1) == labels).mean()),
        nll=np.array([_likelihood(outputs / value, labels) for value in (1.0, best)]),
        ece=gaps.sum(1) / len(labels),
        counts=counts,
        confidence=confidence,
        hits=hits,
        status=limit if at_end else MEASURED,
        provenance=Provenance(function="inscape.gradients.temperature"),
    )


def _likelihood(outputs: np.ndarray, labels: np.ndarray) -> float:
    from scipy.special import logsumexp

    return float((logsumexp(outputs, axis=1) - outputs[np.arange(len(labels)), labels]).mean())


def _bins(outputs: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples, mean confidence and accuracy of each bin of confidence."""
    from scipy.special import softmax

    confidence, hit = softmax(outputs, axis=1).max(1), outputs.argmax(1) == labels
    place = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    sums = [np.bincount(place, weights=values, minlength=BINS) for values in (confidence, hit.astype(np.float64))]
    mean = [np.divide(total, counts, out=np.full(BINS, np.nan), where=counts > 0) for total in sums]
    return counts, mean[0], mean[1]
