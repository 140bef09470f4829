"""Torch-free exact geometry: charts, the engine that cuts them into cells, slopes."""

from inscape.geometry._domains import Box as Box
from inscape.geometry._domains import Chart as Chart
from inscape.geometry._domains import Plane as Plane
from inscape.geometry._domains import Segment as Segment
from inscape.geometry._program import Elementwise as Elementwise
from inscape.geometry._program import Kind as Kind
from inscape.geometry._program import Maximum as Maximum
from inscape.geometry._program import Node as Node
from inscape.geometry._program import Program as Program
from inscape.geometry._program import Rule as Rule
from inscape.geometry._program import Sort as Sort
