"""Units: the channels of a pre-activation, and the layer whose parameters make them."""

from collections.abc import Sequence

from torch import Tensor

from inscape.gradients._tape import Event


def layer_of(activation: Event, events: Sequence[Event]) -> Event | None:
    """The linear layer, convolution or normalisation that makes an activation's input.

    Args:
        activation: the activation's call.
        events: all calls of the pass.

    Returns:
        The nearest linear layer or convolution before it, behind normalisations; else the nearest normalisation or
        embedding; None where something else, such as a sum of two branches, makes the input.
    """
    nearest, place = None, activation.source
    while place is not None:
        event = events[place]
        if event.kind in {"linear", "convolution"}:
            return event
        if event.kind == "activation":
            break
        if nearest is None and event.parameter:
            nearest = event
        place = event.source
    return nearest


def channel_axis(activation: Event, events: Sequence[Event]) -> int:
    """Which axis of a pre-activation counts its units.

    Args:
        activation: the activation's call.
        events: all calls of the pass.

    Returns:
        1 behind convolutions and for images, else the last axis.
    """
    layer = layer_of(activation, events)
    dimensions = len(activation.shape)
    if layer is None:
        return 1 if dimensions >= 4 else dimensions - 1
    convolutional = layer.kind == "convolution" or layer.operation in {"batch_norm", "group_norm", "instance_norm"}
    return 1 if convolutional and dimensions >= 2 else dimensions - 1


def by_channel(values: Tensor, axis: int) -> Tensor:
    """Values of units, with samples and positions together.

    Args:
        values: a pre-activation of any shape.
        axis: the axis of the units.

    Returns:
        (values of a unit, units), a view where that is possible.
    """
    return values.movedim(axis, -1).flatten(0, -2)
