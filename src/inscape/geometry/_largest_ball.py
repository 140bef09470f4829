"""The largest ball inside a region: its Chebyshev centre and inradius."""

import numpy as np

from inscape.geometry import _kernels_polytope as small
from inscape.geometry._halfspaces import System, distinct_halfspaces
from inscape.geometry._linear_program import LinearProgram, Outcome
from inscape.geometry._local import LocalRegion


def largest_ball(
    region: LocalRegion,
    low: np.ndarray | None = None,
    high: np.ndarray | None = None,
    *,
    near: np.ndarray | None = None,
    until: float = np.inf,
) -> tuple[np.ndarray, float]:
    """The largest ball inside a region.

    Args:
        region: the region.
        low: (d,) lower walls, none by default.
        high: (d,) upper walls, none by default.
        near: (d,) a point in the region or near it; by default the origin.
        until: reading of ``time.perf_counter`` at which to stop.

    Returns:
        (d,) its centre, and its radius: infinite if balls of any size fit, not positive if the region has no interior
        as far as rounding can tell.
    """
    return ball_inside(region, distinct_halfspaces(region, low, high), near, until)[:2]


def ball_inside(
    region: LocalRegion, system: System, near: np.ndarray | None, until: float
) -> tuple[np.ndarray, float, float]:
    """Centre and radius of the largest ball, and the radius of a finite ball about that centre."""
    start = np.zeros(region.dimension) if near is None else np.asarray(near, dtype=np.float64)
    centre, radius = _chebyshev(system, start, until)
    slack = system.offsets - system.normals @ centre
    scale = float(slack.min()) if len(slack) else 1.0
    doubt = system.error(centre)[slack <= 2 * scale].max(initial=0.0)
    if region.contradictory or scale <= 4 * doubt:
        return centre, min(radius, 0.0), scale
    return centre, radius, scale


def _chebyshev(system: System, near: np.ndarray, until: float) -> tuple[np.ndarray, float]:
    """Chebyshev centre and radius: max r with a · x + r ≤ b for all rows."""
    if not len(system.offsets):
        return near, np.inf
    slack = system.offsets - system.normals @ near
    sizes = np.sort(np.abs(slack))
    scale = float(sizes[min(2 * len(near), len(sizes)) - 1]) or float(sizes[-1]) or 1.0
    best, endless = _ball_in_kernel(system, slack / scale) if system.small else (None, False)
    if best is None:
        best, endless = _ball_by_highs(system, slack / scale, until)
    if best is None:
        return near, -np.inf
    centre = near + scale * best
    radius = float((system.offsets - system.normals @ centre).min())
    return centre, np.inf if endless and radius > 0 else radius


def _ball_in_kernel(system: System, slack: np.ndarray) -> tuple[np.ndarray | None, bool]:
    """Centre of the largest ball (of a ball of radius 1 if there is no largest), and whether there is no largest."""
    count, d = system.normals.shape
    base = min(float(slack.min()), 0.0) - 1.0
    table = np.ones((count + 1, d + 1))
    table[:-1, :-1] = system.normals
    table[-1, :-1] = 0.0  # r ≤ 1
    table[:-1] *= np.sqrt(0.5)
    bound = np.append((slack - base) * np.sqrt(0.5), 1.0 - base)
    known = np.ones(count + 1, np.bool_)
    known[-1] = False
    room = np.empty((3, d + 1)), np.empty((2, d + 1, d + 1)), np.empty(d + 1, np.int64)
    objective = np.eye(d + 1)[-1]
    for endless in (False, True):
        known[-1] = endless
        x, p, weight = room[0]
        outcome = small.ascend(table, bound, known, objective, x, p, room[1][0], room[1][1], weight, room[2])
        if outcome == small.OPTIMAL:
            return x[:-1].copy(), endless
        if outcome == small.FAILED:
            break
    return None, False


def _ball_by_highs(system: System, slack: np.ndarray, until: float) -> tuple[np.ndarray | None, bool]:
    """The same by HiGHS."""
    table = np.column_stack([system.normals, np.ones(len(slack))])
    objective = np.eye(table.shape[1])[-1]
    program = LinearProgram(table, slack, until)
    outcome, best = program.maximise(objective)
    endless = outcome is Outcome.UNBOUNDED
    if endless:
        program.limit(len(objective) - 1, 1.0)
        outcome, best = program.maximise(objective)
    return (best[:-1], endless) if outcome is Outcome.OPTIMAL else (None, False)
