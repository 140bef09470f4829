"""How many regions a domain has, estimated from the patterns of random points."""

import numpy as np

from inscape._errors import InputError
from inscape._rng import RandomState, generator
from inscape.geometry import Chart, LocalPlan, Program, local_plan, patterns_at
from inscape.regions._counting_unseen import Richness, chao1
from inscape.regions._pattern_code import PatternCode

_CHUNK = 1000
"""Points whose layer values are held at once."""


def sample_regions(
    program: Program | LocalPlan, domain: Chart, *, samples: int = 1000, rng: RandomState = None
) -> Richness:
    """Estimate the number of regions from the activation patterns of uniform random points.

    Args:
        program: the network, or its plan on this domain.
        domain: the domain.
        samples: number of points.
        rng: seed or generator of the points.

    Returns:
        Chao's estimate with its interval, and the share of the volume that the patterns met fill.

    Raises:
        InputError: if ``samples`` is less than 1.
    """
    if samples < 1:
        raise InputError(f"expected samples ≥ 1, got {samples}")
    plan = program if isinstance(program, LocalPlan) else local_plan(program, domain)
    code, draw = PatternCode.of(plan), generator(rng)
    packed = []
    for first in range(0, samples, _CHUNK):
        count = min(_CHUNK, samples - first)
        points = draw.uniform(domain.low, domain.high, size=(count, domain.dimension))
        packed.append(code.pack(patterns_at(plan, points), count))
    return chao1(np.unique(np.concatenate(packed), axis=0, return_counts=True)[1])
