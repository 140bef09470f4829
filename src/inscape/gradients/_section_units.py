"""The page's chapter on units: which samples hold each hyperplane in place."""

from typing import Any

import numpy as np

from inscape._errors import InscapeError
from inscape.results import Context, Figure, Section

_SAMPLES = 2000

_PARAGRAPHS = (
    "A unit's hyperplane is moved by the samples at which its activation has a slope: those in the slab around the "
    "hyperplane for a sigmoid or tanh, those on the open side for a ReLU. How many they are is Kish's effective sample "
    "size, (Σ ν')² / Σ ν'². A hyperplane that fewer than 30 samples support is decided by a handful of them; large "
    "weights make slabs thin, so that weight scale and density of the samples decide together.",
)


def section(context: Context) -> Section | None:
    """Support of the units of the context's model on its samples.

    Args:
        context: the page's context.

    Returns:
        The chapter, or None without labels or where no elementwise activation is known.
    """
    from inscape.gradients._slabs import slabs
    from inscape.gradients._support import support

    if context.x is None or context.y is None:
        return None
    data = (context.x[:_SAMPLES], context.y[:_SAMPLES])
    try:
        units = slabs(context.model, data, progress=False)
        held = support(context.model, data, rng=context.seed, progress=False)
    except InscapeError:
        return None
    figures = [
        Figure(
            name="support",
            info=held.info("effective"),
            caption="Effective samples of the units of each layer, sorted; the line is what is needed.",
        ),
        Figure(
            name="occupancy",
            info=units.info("occupancy"),
            caption="Share of the values at which a unit answers with at least half of its largest slope.",
        ),
    ]
    return Section(
        key="units",
        title="What holds the hyperplanes",
        paragraphs=[*_PARAGRAPHS, _story(units, held)],
        figures=figures,
        tables=[units.info("layers")],
        notes=["Units of a convolution are its channels; their values are those of all samples and positions."],
        numbers={
            "headline": {"units without support": f"{np.count_nonzero(held.unsupported)} of {len(held.unit)}"},
            "unsupported": int(np.count_nonzero(held.unsupported)),
            "dead": int(units.dead.sum()),
            "linear": int(units.always_on.sum()),
            "effective_median": float(np.median(held.effective)),
        },
    )


def _story(units: Any, held: Any) -> str:
    count = len(held.unit)
    weak = int(np.count_nonzero(held.unsupported))
    dead, linear = int(units.dead.sum()), int(units.always_on.sum())
    text = (
        f"Of {count} units, {weak} have fewer than {held.needed} effective samples among {held.samples}; the median is "
        f"{np.median(held.effective):.4g}. "
    )
    parts = [
        f"{number} {'is' if number == 1 else 'are'} {word}"
        for number, word in ((dead, "off on all samples"), (linear, "linear on all samples"))
        if number
    ]
    return text + (f"{' and '.join(parts)}." if parts else "None is off or linear on all samples.")
