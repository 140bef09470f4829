"""The kinds of fault: what is planted, and what a tool should say."""

from dataclasses import dataclass

from inscape.gradients import Cause


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of case.

    Attributes:
        name: its name.
        causes: verdicts that count as right.
        where: ``"layer"`` or ``"norm"`` if one layer or normalisation is sick, ``""`` if the whole network or none is.
        says: what is done to the healthy network.
    """

    name: str
    causes: tuple[Cause, ...]
    where: str = ""
    says: str


_ALL = (
    Kind(name="healthy", causes=(Cause.NONE,), says="nothing"),
    Kind(
        name="default",
        causes=(Cause.NONE, Cause.SMALL_INITIALISATION),
        says="initialised as torch does by default; healthy if it trains, else small initialisation",
    ),
    Kind(name="large_weights", causes=(Cause.LARGE_WEIGHTS,), where="layer", says="weights of one layer × 30"),
    Kind(name="small_weights", causes=(Cause.SMALL_WEIGHTS,), where="layer", says="weights of one layer × 0.01"),
    Kind(name="zero_weights", causes=(Cause.ZERO_WEIGHTS,), where="layer", says="weights of one layer = 0"),
    Kind(name="saturated_units", causes=(Cause.SATURATED_UNITS,), where="layer", says="biases of one tanh layer + 5"),
    Kind(
        name="dead_units",
        causes=(Cause.DEAD_UNITS,),
        where="layer",
        says="biases of one ReLU layer - 3",
    ),
    Kind(name="detached", causes=(Cause.DETACHED,), where="layer", says="x.detach() behind one layer's activation"),
    Kind(
        name="small_norm",
        causes=(Cause.SMALL_WEIGHTS,),
        where="norm",
        says="scale of one normalisation × 0.01",
    ),
    Kind(name="sigmoid", causes=(Cause.SATURATING_ACTIVATION,), says="sigmoid for every activation"),
    Kind(
        name="sigmoid_large",
        causes=(Cause.SATURATING_ACTIVATION, Cause.LARGE_INITIALISATION),
        says="sigmoid everywhere, all weights × 6",
    ),
    Kind(
        name="tanh_large",
        causes=(Cause.LARGE_INITIALISATION, Cause.SATURATING_ACTIVATION),
        says="all weights of a tanh network × 8",
    ),
    Kind(name="small_init", causes=(Cause.SMALL_INITIALISATION,), says="all weights × 0.2"),
    Kind(name="large_init", causes=(Cause.LARGE_INITIALISATION,), says="all weights of a ReLU or GELU network × 4"),
    Kind(name="tiny_inputs", causes=(Cause.TINY_INPUTS,), says="inputs × 0.001"),
    Kind(name="large_inputs", causes=(Cause.LARGE_INPUTS,), says="inputs × 255: pixels that were not scaled"),
    Kind(name="fitted", causes=(Cause.FITTED,), says="trained on the 64 given samples until the loss is 1e-4"),
    Kind(
        name="cancelling",
        causes=(Cause.CANCELLING_SAMPLES,),
        says="every sample comes once with each class, and the network is trained to rest on that",
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
"""Name → kind of case."""
