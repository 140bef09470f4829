"""Studies: questions about many networks at once, answered with tables, figures and intervals over seeds."""

from inscape.studies._study import Study as Study
from inscape.studies._study import StudyReport as StudyReport
from inscape.studies._study import describe as describe
from inscape.studies._study import names as names
from inscape.studies._study import run as run
