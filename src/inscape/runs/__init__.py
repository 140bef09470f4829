"""Runs: many independent tasks, on one machine or a cluster, with a ledger that loses nothing."""

from inscape.runs._outcome import Outcome as Outcome
from inscape.runs._outcome import State as State
