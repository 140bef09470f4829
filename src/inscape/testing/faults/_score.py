"""How often a tool is right, kind by kind."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any, ClassVar

import numpy as np
import torch

from inscape._errors import InputError
from inscape._progress import Meter, meter
from inscape.gradients import Cause
from inscape.results import MEASURED, Provenance, Result, Status
from inscape.testing.faults._case import FaultCase
from inscape.testing.faults._cases import cases as all_cases
from inscape.testing.faults._kinds import KINDS
from inscape.testing.faults._tools import Tool

_FAILED = "ERROR"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Score(Result):
    """What a tool said about each case, and whether it was right; all tuples and arrays have one entry a case.

    Attributes:
        tool: the tool's name.
        keys: names of the cases.
        kinds: kinds of the cases.
        splits: their splits.
        expected: name of the cause that each case stands for.
        said: name of the cause that the tool gave, ``"ERROR"`` where it failed.
        expected_layers: path of the sick module, empty if it is no single one.
        said_layers: the tool's, empty likewise.
        cause_right: (n,) whether the cause is one of those accepted.
        layer_right: (n,) whether the path is the same.
        errors: what an exception said, else empty.
        seconds: (n,) wall time of the tool.
        status: measured.
        provenance: versions, wall time.
    """

    kind: ClassVar[str] = "fault-score"

    tool: str
    keys: tuple[str, ...]
    kinds: tuple[str, ...]
    splits: tuple[str, ...]
    expected: tuple[str, ...]
    said: tuple[str, ...]
    expected_layers: tuple[str, ...]
    said_layers: tuple[str, ...]
    cause_right: np.ndarray
    layer_right: np.ndarray
    errors: tuple[str, ...]
    seconds: np.ndarray
    status: Status
    provenance: Provenance

    @property
    def right(self) -> np.ndarray:
        """(n,) whether cause and layer are both right."""
        return self.cause_right & self.layer_right

    @property
    def healthy(self) -> np.ndarray:
        """(n,) whether nothing is wrong with the case."""
        return np.array([name == Cause.NONE.name for name in self.expected], dtype=bool)

    @property
    def sensitivity(self) -> float:
        """Share of sick networks whose cause and layer are both named; NaN if there is none."""
        return _share(self.right[~self.healthy])

    @property
    def specificity(self) -> float:
        """Share of healthy networks that are called healthy; NaN if there is none."""
        return _share(self.right[self.healthy])

    def confusion(self) -> tuple[tuple[str, ...], np.ndarray]:
        """How often each cause was called which.

        Returns:
            Names of causes, those that do not occur left out, and an (n, n) array of counts: row the cause that a case
            stands for, column what the tool said.
        """
        order = [*Cause.__members__, _FAILED]
        names = tuple(name for name in order if name in {*self.expected, *self.said})
        counts = np.zeros((len(names), len(names)), dtype=np.int64)
        for expected, said in zip(self.expected, self.said, strict=True):
            counts[names.index(expected), names.index(said)] += 1
        return names, counts

    def facts(self) -> dict[str, object]:
        """Name → value for the summary."""
        healthy = self.healthy
        return {
            "tool": self.tool,
            "cases": len(self.keys),
            "sick, cause and layer named": _of(self.right[~healthy]),
            "healthy, called healthy": _of(self.right[healthy]),
            "errors": sum(map(bool, self.errors)),
        }

    def columns(self) -> dict[str, Any]:
        """One row a case."""
        return {
            "case": list(self.keys),
            "kind": list(self.kinds),
            "split": list(self.splits),
            "expected": list(self.expected),
            "said": list(self.said),
            "expected_layer": list(self.expected_layers),
            "said_layer": list(self.said_layers),
            "cause_right": self.cause_right,
            "layer_right": self.layer_right,
            "error": list(self.errors),
            "seconds": self.seconds,
        }

    def table(self) -> Any:
        """How often the tool was right, kind by kind.

        Returns:
            A ``plotting.Table``; "both" counts cases whose cause and layer are right.
        """
        from inscape.plotting import Table

        names = [name for name in KINDS if name in self.kinds]
        masks = [np.array([kind == name for kind in self.kinds]) for name in names] + [np.ones(len(self.keys), bool)]
        return Table(
            columns={
                "kind": [*names, "all"],
                "cases": [int(mask.sum()) for mask in masks],
                "cause right": [int(self.cause_right[mask].sum()) for mask in masks],
                "layer right": [int(self.layer_right[mask].sum()) for mask in masks],
                "both": [int(self.right[mask].sum()) for mask in masks],
                "both (%)": [100 * _share(self.right[mask]) for mask in masks],
            },
            caption=f"{self.tool}: planted faults found",
        )

    def info(self, *, which: str = "kinds") -> Any:
        """What is drawn.

        Args:
            which: ``"kinds"`` for :meth:`table`, ``"confusion"`` for the counts of :meth:`confusion`.

        Returns:
            A ``plotting.Table``.

        Raises:
            InputError: if there is no such table.
        """
        from inscape.plotting import Table

        if which == "kinds":
            return self.table()
        if which != "confusion":
            raise InputError(f"expected which as 'kinds' or 'confusion', got {which!r}")
        names, counts = self.confusion()
        used = [i for i in range(len(names)) if counts[i].sum()]
        columns: dict[str, Sequence[Any]] = {"planted \\ said": [names[i] for i in used]}
        columns |= {name: [int(counts[i, j]) for i in used] for j, name in enumerate(names) if counts[:, j].sum()}
        return Table(columns=columns, caption=f"{self.tool}: what was planted and what was said")


def _share(right: np.ndarray) -> float:
    return float(right.mean()) if len(right) else nan


def _of(right: np.ndarray) -> str:
    from scipy.stats import binomtest

    if not len(right):
        return "none"
    interval = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    percent = f"{_share(right):.1%}, 95 % interval {interval.low:.1%} to {interval.high:.1%}"
    return f"{int(right.sum())} of {len(right)} ({percent})"


def score(
    tool: Tool, cases: Iterable[FaultCase] | None = None, *, name: str = "", progress: Meter | bool | None = None
) -> Score:
    """Ask a tool about each case and count how often it is right.

    A verdict is right if the cause is one that the case accepts and the path is that of the sick module, or None where
    it is no single one. An exception counts as wrong; its text is kept. Each case is built anew, so a tool may do with
    the model what it wants; torch's random state is as before.

    Args:
        tool: function of ``(model, loss, (x, y))`` that returns a cause and a path or None.
        cases: the cases, None for all of :func:`cases`.
        name: what the tool is called, empty for the function's name.
        progress: None for a bar on a terminal, True, False, or a meter object.

    Returns:
        The score.

    Raises:
        InputError: if there is no case.

    Example:
        >>> from inscape.testing.faults import cases
        >>> def optimist(model, loss, data):
        ...     return Cause.NONE, None
        >>> found = score(optimist, cases("design", dataset="digits", kind="healthy")[:2])
        >>> found.specificity
        1.0
    """
    chosen = tuple(all_cases() if cases is None else cases)
    if not chosen:
        raise InputError("there is no case to score; see inscape.testing.faults.cases()")
    begin = time.perf_counter()
    title = name or getattr(tool, "__name__", type(tool).__name__)
    answers: list[tuple[str, str, str, bool, bool, float]] = []
    with meter(progress, f"scoring {title}", total=len(chosen)) as bar:
        for case in chosen:
            answers.append(_asked(tool, case))
            bar.advance(1)
    said, layers, errors, cause_right, layer_right, seconds = zip(*answers, strict=True)
    return Score(
        tool=title,
        keys=tuple(case.key for case in chosen),
        kinds=tuple(case.kind for case in chosen),
        splits=tuple(case.split for case in chosen),
        expected=tuple(case.cause.name for case in chosen),
        said=said,
        expected_layers=tuple(case.layer or "" for case in chosen),
        said_layers=layers,
        cause_right=np.array(cause_right, dtype=bool),
        layer_right=np.array(layer_right, dtype=bool),
        errors=errors,
        seconds=np.array(seconds),
        status=MEASURED,
        provenance=Provenance(
            function="inscape.testing.faults.score",
            options={"tool": title, "cases": len(chosen)},
            seconds=time.perf_counter() - begin,
        ),
    )


def _asked(tool: Tool, case: FaultCase) -> tuple[str, str, str, bool, bool, float]:
    """Cause, path, error, whether the two are right, and the time it took."""
    model, data = case.build(), case.data()
    begin = time.perf_counter()
    try:
        with torch.random.fork_rng(devices=[]):
            cause, layer = tool(model, case.loss(), data)
        if not isinstance(cause, Cause) or not (layer is None or isinstance(layer, str)):
            raise InputError(f"expected a Cause and a path or None, got {cause!r} and {layer!r}")
    except Exception as error:  # noqa: BLE001 - a tool that fails is wrong; the others are still asked
        text = f"{type(error).__name__}: {error}"
        return _FAILED, "", text, False, False, time.perf_counter() - begin
    seconds = time.perf_counter() - begin
    return cause.name, layer or "", "", cause in case.accepted, layer == case.layer, seconds
