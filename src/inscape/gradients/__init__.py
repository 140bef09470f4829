"""Gradients: where the error goes, which layer is sick, and why."""

from inscape.gradients._advice import Advice as Advice
from inscape.gradients._advise import advise as advise
from inscape.gradients._calibration import Calibration as Calibration
from inscape.gradients._calibration import temperature as temperature
from inscape.gradients._causes import Cause as Cause
from inscape.gradients._track import GradientTrack as GradientTrack
from inscape.gradients._tracker import GradientTracker as GradientTracker
from inscape.gradients._tracker import track as track
