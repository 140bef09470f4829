"""Runs: many independent tasks, on one machine or a cluster, with a ledger that loses nothing."""

from inscape.runs._map import map as map
from inscape.runs._outcome import Outcome as Outcome
from inscape.runs._outcome import State as State
from inscape.runs._tasks import grid as grid
