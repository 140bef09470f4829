"""The chapters of the page, in the reader's order. A new insight adds its function here."""

from collections.abc import Callable

from inscape.gradients import _section as gradients
from inscape.gradients import _section_units as units
from inscape.maps import _section as confidence
from inscape.network import _section as network
from inscape.regions import _section as regions
from inscape.regions import _section_boundary as boundary
from inscape.regions import _section_distance as distance
from inscape.report import _provenance as provenance
from inscape.results import Context, Section

SECTIONS: tuple[Callable[[Context], Section | None], ...] = (
    network.section,
    regions.section,
    boundary.section,
    distance.section,
    confidence.section,
    gradients.section,
    units.section,
    regions.counts,
    provenance.section,
)
