"""How many regions: closed-form counts of arrangements, bounds for networks, estimates from samples."""

from inscape.regions._counting import (
    arrangement_cells,
    bounded_arrangement_cells,
    bounded_cells,
    central_cells,
    characteristic_polynomial,
    dichotomies,
    generic_cells,
    least_hyperplanes,
)
from inscape.regions._counting_networks import (
    asymptotic_scale,
    bounds,
    expected_scale,
    maxout_upper,
    montufar_lower,
    montufar_upper,
    pattern_upper,
    raghu_upper,
    serra_upper,
)
from inscape.regions._counting_unseen import (
    Richness,
    chao1,
)

__all__ = [
    "Richness",
    "arrangement_cells",
    "asymptotic_scale",
    "bounded_arrangement_cells",
    "bounded_cells",
    "bounds",
    "central_cells",
    "chao1",
    "characteristic_polynomial",
    "dichotomies",
    "expected_scale",
    "generic_cells",
    "least_hyperplanes",
    "maxout_upper",
    "montufar_lower",
    "montufar_upper",
    "pattern_upper",
    "raghu_upper",
    "serra_upper",
]
