"""Interleaved timing: in every round each peer runs once, then we run once, all in one process."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--smoke", action="store_true", help="small cases, to see that everything runs")


@pytest.fixture
def smoke(request: pytest.FixtureRequest) -> bool:
    return request.config.getoption("--smoke")


@pytest.fixture
def duel(benchmark: Any, smoke: bool) -> Callable[..., dict[str, float]]:
    """Time ``ours`` and its peers in turn; medians in seconds, ours under the name "ours"."""

    def run(ours: Callable[[], Any], peers: dict[str, Callable[[], Any]], rounds: int = 7) -> dict[str, float]:
        taken: dict[str, list[float]] = {name: [] for name in peers}
        ours()

        def let_peers_run() -> None:
            for name, peer in peers.items():
                start = perf_counter()
                peer()
                taken[name].append(perf_counter() - start)

        let_peers_run()
        for times in taken.values():
            times.clear()
        benchmark.pedantic(ours, setup=let_peers_run, rounds=2 if smoke else rounds, iterations=1)
        medians = {name: median(times) for name, times in taken.items()}
        medians["ours"] = benchmark.stats.stats.median
        benchmark.extra_info["seconds"] = medians
        return medians

    return run


@pytest.fixture
def row(benchmark: Any) -> Callable[..., None]:
    """Write down one row of the table: what was measured beside what is to be reached. Nothing is asserted."""

    def write(work: str, measured: float, *, unit: str, at_least: float | None = None, at_most: float | None = None):
        entry = {"work": work, "measured": measured, "unit": unit, "at_least": at_least, "at_most": at_most}
        benchmark.extra_info.setdefault("rows", []).append(entry)

    return write
