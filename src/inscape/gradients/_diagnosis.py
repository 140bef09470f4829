"""The answer of :func:`inscape.gradients.diagnose`."""

from dataclasses import dataclass
from math import exp, isfinite
from typing import Any, ClassVar

from inscape.gradients._budget_result import Budget
from inscape.gradients._causes import Cause
from inscape.results import Provenance, Result, Status


@dataclass(frozen=True, kw_only=True)
class GradientVerdict:
    """What is wrong, where, and what to do.

    Attributes:
        cause: the cause; ``Cause.NONE`` for a healthy network.
        layer: path of the module with the parameters, or None where the whole network is meant.
        sentence: cause and numbers in words.
        suggestion: what to do.
        nats: by how many nats the decisive term is away from where it should be; infinite for a lost gradient.
        before: change of the gradient from the last to the first cut, in nats; NaN if it is lost.
        after: the same after the suggested change, on a copy; None where the change is none of numbers.
    """

    cause: Cause
    layer: str | None
    sentence: str
    suggestion: str
    nats: float
    before: float
    after: float | None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Diagnosis(Result):
    """Verdict and budget.

    Attributes:
        verdict: cause, layer, sentence, suggestion.
        budget: the budget that the verdict rests on.
        predicted: the budget after the suggested change, or None.
        status: that of the budget.
        provenance: how it was made.
    """

    kind: ClassVar[str] = "gradient-diagnosis"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016",)

    verdict: GradientVerdict
    budget: Budget
    predicted: Budget | None
    status: Status
    provenance: Provenance

    @property
    def healthy(self) -> bool:
        """Whether nothing stands out."""
        return self.verdict.cause is Cause.NONE

    def facts(self) -> dict[str, object]:
        """What the summary shows: name → value, in order."""
        verdict = self.verdict
        facts: dict[str, object] = {
            "cause": verdict.cause.name.lower().replace("_", " "),
            "layer": verdict.layer or "–",
            "verdict": verdict.sentence,
            "suggestion": verdict.suggestion,
            "change to the first layer": _nats(verdict.before),
        }
        if verdict.after is not None:
            facts["after the change"] = _nats(verdict.after)
        return facts | {"samples": self.budget.samples, "mode": self.budget.mode}

    def info(self, layer: str | int = 0) -> Any:
        """The budget as a waterfall, with the sick layer marked.

        Args:
            layer: the layer whose gradient is accounted for; the first by default.

        Returns:
            An ``inscape.plotting.Waterfall``.
        """
        from inscape.gradients._budget_draw import waterfall

        return waterfall(self.budget, self.budget.layer(layer), sick=self.verdict.layer)

    def columns(self) -> dict[str, Any]:
        """Column name → one-dimensional array: the budget's layers."""
        return self.budget.columns()


def _nats(value: float) -> str:
    if not isfinite(value):
        return "the gradient is lost"
    return f"{value:+.2f} nats (a factor {exp(value):.3g})"
