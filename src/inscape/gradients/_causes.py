"""What can be wrong with a network's gradients; each member's value is its sentence."""

from enum import Enum


class Cause(Enum):
    """Why a network trains badly, as far as its gradients show."""

    NONE = "nothing stands out"
    DETACHED = "the gradient's path is cut: no gradient reaches this layer"
    ZERO_WEIGHTS = "the weights of this layer let no gradient through"
    DEAD_UNITS = "the units of this layer are off on the data, so that their derivative is zero"
    SATURATED_UNITS = "the units of this layer are driven far into saturation"
    LARGE_WEIGHTS = "the weights of this layer are far larger than its peers'"
    SMALL_WEIGHTS = "the weights of this layer are far smaller than its peers'"
    SATURATING_ACTIVATION = "the activations let the gradient vanish from layer to layer"
    SMALL_INITIALISATION = "the weights of all layers are too small"
    LARGE_INITIALISATION = "the weights of all layers are too large"
    FITTED = "the data are already fitted, so that little error is left"
    CANCELLING_SAMPLES = "the gradients of the samples cancel each other"
    TINY_INPUTS = "the inputs are tiny beside what the other layers are fed"
    LARGE_INPUTS = "the inputs are large beside what the other layers are fed"
