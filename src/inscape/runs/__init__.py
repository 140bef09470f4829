"""Runs: many independent tasks, on one machine or a cluster, with a ledger that loses nothing."""

from inscape.runs._export import export as export
from inscape.runs._inspect import Run as Run
from inscape.runs._inspect import list_runs as list_runs
from inscape.runs._inspect import outcomes as outcomes
from inscape.runs._map import map as map
from inscape.runs._outcome import Outcome as Outcome
from inscape.runs._outcome import State as State
from inscape.runs._prune import Pruned as Pruned
from inscape.runs._prune import prune as prune
from inscape.runs._tasks import grid as grid
