"""A built network held against the shapes that it was built from."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
import torch

from inscape._errors import InputError
from inscape._rng import generator
from inscape.geometry import Box
from inscape.regions._boundary import Boundary, boundary
from inscape.regions._built import Built, sigmoid
from inscape.results import MEASURED, Provenance, Result, Status, Verdict


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class BuiltCheck(Result):
    """How a built network compares with its shapes.

    Attributes:
        points: number of random points.
        clear: number of those whose class is clear at the margin.
        wrong: number of clear points of which the network names another class.
        margin: the margin of the network.
        certified: least confidence that the certificate promises.
        confidence: least confidence seen at a clear point, 1 if there was none.
        pieces: pieces of the exact decision regions, 0 where they were not computed.
        wrong_pieces: pieces whose class is not that of the shapes at their centre.
        gap: largest depth, in input units, of the exact boundary (ends and middles of its pieces) that the shapes'
            own boundary should be; 0 where none was computed, or all classes are told apart by depth alone.
        status: that of the exact boundary where it was computed, else measured; degenerate where the promise does
            not hold.
        provenance: seed and time.
    """

    kind: ClassVar[str] = "built-check"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016",)

    points: int
    clear: int
    wrong: int
    margin: float
    certified: float
    confidence: float
    pieces: int
    wrong_pieces: int
    gap: float
    status: Status
    provenance: Provenance

    @property
    def holds(self) -> bool:
        """True if nothing speaks against the certificate."""
        return self.status.verdict is not Verdict.DEGENERATE

    def facts(self) -> dict[str, object]:
        """Name → value for the summary."""
        found: dict[str, object] = {
            "points": f"{self.points}, of which {self.clear} are clear at margin {self.margin:.4g}",
            "wrong": self.wrong,
            "least confidence": f"{self.confidence:.6g} (certified {self.certified:.6g})",
        }
        if self.pieces:
            found |= {
                "pieces": self.pieces,
                "wrong pieces": self.wrong_pieces,
                "gap at the boundary": f"{self.gap:.3g}",
            }
        return found


def check(built: Built, *, points: int, rng: int) -> BuiltCheck:
    """Classify random points, and compute the exact boundary where that is possible.

    Args:
        built: the network.
        points: number of random points.
        rng: seed of the points.

    Returns:
        The comparison.

    Raises:
        InputError: if there are no points.
    """
    if points < 1:
        raise InputError(f"expected points ≥ 1, got {points}")
    begin = perf_counter()
    pad = (built.high - built.low).max() / 2
    window = Box(low=built.low - pad, high=built.high + pad)
    x = generator(rng).uniform(window.low, window.high, (points, built.dimension))
    truth, (label, confidence) = built.promised(x), _answers(built, x)
    clear = truth >= 0
    wrong, least = int((label != truth)[clear].sum()), float(confidence[clear].min(initial=1.0))
    certified = built.certificate().confidence
    exact = built.activation == "relu" and built.dimension <= 2
    found = boundary(built.model, window, progress=False) if exact else None
    pieces, wrong_pieces, gap = (0, 0, 0.0) if found is None else _pieces(built, found)
    size = float(np.abs([window.low, window.high]).max())
    holds = not (wrong or wrong_pieces) and gap <= 1e-9 * size and least >= certified - 1e-9
    trouble = Status(verdict=Verdict.DEGENERATE, detail="the network does not keep its certificate")
    return BuiltCheck(
        points=points,
        clear=int(clear.sum()),
        wrong=wrong,
        margin=built.margin,
        certified=certified,
        confidence=least,
        pieces=pieces,
        wrong_pieces=wrong_pieces,
        gap=gap,
        status=trouble if not holds else MEASURED if found is None else found.status,
        provenance=Provenance(
            function="inscape.regions.Built.verify",
            options={"points": points},
            model=built.provenance.model,
            seed=rng,
            seconds=perf_counter() - begin,
        ),
    )


def _answers(built: Built, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class that the network names and its confidence, point by point."""
    with torch.no_grad():
        outputs = built.model(torch.from_numpy(x)).numpy()
    if outputs.shape[1] == 1:
        logit = outputs[:, 0]
        return (logit > 0).astype(np.int64), np.array([sigmoid(abs(float(value))) for value in logit])
    shifted = outputs - outputs.max(1, keepdims=True)
    return outputs.argmax(1), 1 / np.exp(shifted).sum(1)


def _pieces(built: Built, found: Boundary) -> tuple[int, int, float]:
    """Number of exact pieces, those of a wrong class, and how far the exact boundary is from the shapes'."""
    tiny = 1e-9 * float(np.abs([found.domain.low, found.domain.high]).max())
    truth = built.promised(found.complex.centroids, tiny)
    wrong = int(((truth >= 0) & (truth != found.classes)).sum())
    ends: Any = found.segments
    if not len(ends):
        return len(found.classes), wrong, 0.0
    depths = built.depth(np.concatenate([ends[:, 0], ends.mean(1), ends[:, -1]]))
    shared = (depths > tiny).sum(1) > 1  # where two classes overlap, the deeper one wins
    decided = ~shared if len(built.formulas) == 1 or built.rest else np.zeros(len(shared), np.bool_)
    return len(found.classes), wrong, float(np.abs(depths[decided]).min(1).max(initial=0.0))
