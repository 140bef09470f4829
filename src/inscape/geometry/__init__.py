"""Torch-free exact geometry: charts, the engine that cuts them into cells, slopes."""

from inscape.geometry._affine import affine_maps as affine_maps
from inscape.geometry._block import Level as Level
from inscape.geometry._complex import Complex as Complex
from inscape.geometry._domains import Box as Box
from inscape.geometry._domains import Chart as Chart
from inscape.geometry._domains import Plane as Plane
from inscape.geometry._domains import Segment as Segment
from inscape.geometry._domains import Slice as Slice
from inscape.geometry._kernels_locate import locate_in_plane as locate_in_plane
from inscape.geometry._kernels_locate import locate_on_line as locate_on_line
from inscape.geometry._levels import Splitting as Splitting
from inscape.geometry._levels import Stage as Stage
from inscape.geometry._plan import Plan as Plan
from inscape.geometry._plan import Step as Step
from inscape.geometry._plan import plan as plan
from inscape.geometry._polytopes import Polytopes as Polytopes
from inscape.geometry._program import Elementwise as Elementwise
from inscape.geometry._program import Kind as Kind
from inscape.geometry._program import Maximum as Maximum
from inscape.geometry._program import Node as Node
from inscape.geometry._program import Program as Program
from inscape.geometry._program import Rule as Rule
from inscape.geometry._program import Sort as Sort
from inscape.geometry._slopes import operator_norms as operator_norms
from inscape.geometry._subdivide import Subdivision as Subdivision
from inscape.geometry._subdivide import subdivide as subdivide
