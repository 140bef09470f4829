"""The page of the study of geometry: outcomes in, chapters out."""

from collections.abc import Sequence

from inscape.results import Section
from inscape.runs import Outcome
from inscape.studies._geometry import geometry, tasks
from inscape.studies._geometry_activation import activation
from inscape.studies._geometry_curves import finished, summary
from inscape.studies._geometry_depth import depth
from inscape.studies._geometry_scale import scale
from inscape.studies._geometry_start import initialisation
from inscape.studies._geometry_training import training
from inscape.studies._study import Study


def sections(outcomes: Sequence[Outcome]) -> list[Section]:
    """Turn outcomes into the page.

    Args:
        outcomes: outcomes of :func:`inscape.studies._geometry.geometry`; failed ones are left out.

    Returns:
        The sections.
    """
    parts = [make(outcomes) for make in (training, scale, activation, initialisation, depth)]
    return [summary(parts), *map(finished, parts)]


STUDY = Study(
    name="geometry",
    title="Geometry: weight scale, sample density and the gradient",
    question="How do weight scale and sample density decide which hyperplanes learn, and where does the gradient go?",
    function=geometry,
    tasks=tasks,
    sections=sections,
)
