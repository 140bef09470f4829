"""Names of markers stay inside the window and off each other."""

import numpy as np

from inscape.plotting import Heatmap, Markers
from inscape.plotting._labels import label_places

WINDOW = {"values": np.zeros((2, 2)), "low": (-1, 2), "high": (1, 6)}


def places(points, names):
    return label_places(Heatmap(**WINDOW), Markers(points=points, names=names))


def test_names_point_to_the_middle():
    corners = [(-0.9, 2.1), (0.9, 2.1), (0.9, 5.9), (-0.9, 5.9)]
    assert places(corners, "abcd") == [(True, True), (False, True), (False, False), (True, False)]


def test_a_taken_place_is_left():
    assert places([(-0.5, 3.0), (0.5, 3.0)], ("name", "name")) == [(True, True), (False, True)]
    crowded = places([(-0.5, 3.0), (0.5, 3.0)], ("a very, very long name", "a very, very long name"))
    assert crowded == [(True, True), (False, False)]


def test_markers_without_names_have_places_too():
    assert len(places([(0, 3), (0, 3)], ())) == 2
