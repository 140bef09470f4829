"""What an answer is worth."""

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """Kinds of status; the value is the sentence that a reader sees."""

    EXACT = "exact: every decision was certain in float64"
    UNCERTAIN = "uncertain: some decisions lie below the rounding bound; they are counted and marked"
    STABLE = "stable: doubling the domain did not change the count"
    LIMIT = "limit reached: the answer covers only the part that was done"
    CERTIFIED = "certified to a stated tolerance"
    MEASURED = "measured: a floating-point evaluation or an estimate"
    DEGENERATE = "degenerate: the quantity is not defined here"


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """A verdict with its number and, where it helps, a reason.

    Attributes:
        verdict: the kind of status.
        count: how many items it concerns (uncertain cells, cells done at the limit); 0 if not applicable.
        detail: what limit, which tolerance, why degenerate.

    Example:
        >>> str(Status(verdict=Verdict.UNCERTAIN, count=3))
        'uncertain(3)'
    """

    verdict: Verdict
    count: int = 0
    detail: str = ""

    def __str__(self) -> str:
        name = self.verdict.name.lower()
        number = f"({self.count})" if self.count else ""
        return f"{name}{number}" + (f": {self.detail}" if self.detail else "")

    @property
    def sentence(self) -> str:
        """The whole meaning in words."""
        return self.verdict.value + (f" ({self.detail})" if self.detail else "")


EXACT = Status(verdict=Verdict.EXACT)
MEASURED = Status(verdict=Verdict.MEASURED)
