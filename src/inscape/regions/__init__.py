"""Exact linear regions, decision boundaries and slopes of piecewise-linear networks."""

from inscape.geometry import Box as Box
from inscape.geometry import Plane as Plane
from inscape.geometry import Segment as Segment
from inscape.regions import counting as counting
from inscape.regions._audit import Audit as Audit
from inscape.regions._boundary import Boundary as Boundary
from inscape.regions._boundary import boundary as boundary
from inscape.regions._distance import distance as distance
from inscape.regions._distance_result import Distance as Distance
from inscape.regions._divide import partition as partition
from inscape.regions._everywhere import Everywhere as Everywhere
from inscape.regions._lipschitz import Slopes as Slopes
from inscape.regions._lipschitz import lipschitz as lipschitz
from inscape.regions._partition import Partition as Partition
from inscape.regions._predict import Prediction as Prediction
from inscape.regions._predict import predict_cells as predict_cells
