"""Gradients: where the error goes, which layer is sick, and why."""

from inscape.gradients._budget import budget as budget
from inscape.gradients._budget_result import Budget as Budget
from inscape.gradients._causes import Cause as Cause
from inscape.gradients._diagnose import diagnose as diagnose
from inscape.gradients._diagnosis import Diagnosis as Diagnosis
from inscape.gradients._diagnosis import GradientVerdict as GradientVerdict
from inscape.gradients._field import field as field
from inscape.gradients._field_result import Field as Field
