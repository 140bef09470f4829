"""Gradients: where the error goes, which layer is sick, and why."""

from inscape.gradients._causes import Cause as Cause
