"""Drawing kinds and their two renderers, matplotlib and plotly."""

from inscape.plotting._animation import save_animation as save_animation
from inscape.plotting._info import Heatmap as Heatmap
from inscape.plotting._info import Info as Info
from inscape.plotting._info import Lines as Lines
from inscape.plotting._info import Markers as Markers
from inscape.plotting._info import Mesh as Mesh
from inscape.plotting._info import PolygonMap as PolygonMap
from inscape.plotting._info import Polyline as Polyline
from inscape.plotting._info import Series as Series
from inscape.plotting._info import Table as Table
from inscape.plotting._raster import grid_shape as grid_shape
from inscape.plotting._raster import rasterize as rasterize
from inscape.plotting._render import FIGURE_CSS as FIGURE_CSS
from inscape.plotting._render import render as render
from inscape.plotting._render import save_figure as save_figure
from inscape.plotting._render import to_html_div as to_html_div
from inscape.plotting._table import table_html as table_html
from inscape.plotting._waterfall import Waterfall as Waterfall
