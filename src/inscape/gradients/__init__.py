"""Gradients: where the error goes, which layer is sick, and why."""

from inscape.gradients._advice import Advice as Advice
from inscape.gradients._advise import advise as advise
from inscape.gradients._audit import audit as audit
from inscape.gradients._audit_result import InitialAudit as InitialAudit
from inscape.gradients._budget import budget as budget
from inscape.gradients._budget_result import Budget as Budget
from inscape.gradients._calibration import Calibration as Calibration
from inscape.gradients._calibration import temperature as temperature
from inscape.gradients._causes import Cause as Cause
from inscape.gradients._diagnose import diagnose as diagnose
from inscape.gradients._diagnosis import Diagnosis as Diagnosis
from inscape.gradients._diagnosis import GradientVerdict as GradientVerdict
from inscape.gradients._rescaled import Rescaled as Rescaled
from inscape.gradients._rescaled import rescaled as rescaled
from inscape.gradients._scales import balanced_scale as balanced_scale
from inscape.gradients._scales import effective_samples as effective_samples
from inscape.gradients._section import sections_of as sections_of
from inscape.gradients._slab_map import slab_map as slab_map
from inscape.gradients._slab_map_result import SlabMap as SlabMap
from inscape.gradients._slabs import slabs as slabs
from inscape.gradients._support import support as support
from inscape.gradients._support_result import Support as Support
from inscape.gradients._track import GradientTrack as GradientTrack
from inscape.gradients._tracker import GradientTracker as GradientTracker
from inscape.gradients._tracker import track as track
from inscape.gradients._unit_slabs import UnitSlabs as UnitSlabs
