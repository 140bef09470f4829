"""Gradients: where the error goes, which layer is sick, and why."""

from inscape.gradients._causes import Cause as Cause
from inscape.gradients._contributions import contributions as contributions
from inscape.gradients._contributions_result import Contributions as Contributions
