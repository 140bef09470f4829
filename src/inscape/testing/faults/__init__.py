"""Networks with a known sickness, to score any tool that says what is wrong with a network."""

from inscape.testing.faults._case import FaultCase as FaultCase
from inscape.testing.faults._kinds import KINDS as KINDS
from inscape.testing.faults._kinds import Kind as Kind
from inscape.testing.faults._net import Net as Net
from inscape.testing.faults._suite import candidates as candidates
from inscape.testing.faults._cases import cases as cases
