"""Networks with a known sickness, to score any tool that says what is wrong with a network."""

from inscape.testing.faults._case import FaultCase as FaultCase
from inscape.testing.faults._cases import cases as cases
from inscape.testing.faults._kinds import KINDS as KINDS
from inscape.testing.faults._kinds import Kind as Kind
from inscape.testing.faults._label import label_all as label_all
from inscape.testing.faults._net import Net as Net
from inscape.testing.faults._outcome import Outcome as Outcome
from inscape.testing.faults._outcome import outcome as outcome
from inscape.testing.faults._score import Score as Score
from inscape.testing.faults._score import score as score
from inscape.testing.faults._suite import candidates as candidates
from inscape.testing.faults._table import Row as Row
from inscape.testing.faults._table import rows as rows
from inscape.testing.faults._tools import gradient_norm_tool as gradient_norm_tool
from inscape.testing.faults._tools import inscape_tool as inscape_tool
