"""The track as a Result: files, curves, frames and films."""

import numpy as np
import pytest
from PIL import Image

from inscape import load
from inscape._errors import InputError
from inscape.plotting import PolygonMap
from inscape.regions import Box, Segment, boundary, track
from inscape.testing import random_net

SQUARE = Box(low=(-2, -1), high=(2, 1))
POINTS = np.array([[0.0, 0.5], [1.0, -0.5]])


@pytest.fixture(scope="module")
def seen():
    tracker = track(SQUARE, data=(POINTS, np.array([0, 2])), names=("a", "b", "c"))
    for i in range(4):
        tracker.record(random_net([2, 6, 3], rng=i), 100 * i, epoch=i)
    return tracker.result()


def test_round_trip(seen, tmp_path):
    again = load(seen.save(tmp_path / "track.npz"))
    assert again.facts() == seen.facts()
    for name, values in seen.columns().items():
        np.testing.assert_array_equal(again.columns()[name], values)
    np.testing.assert_array_equal(again.frames[2].points, seen.frames[2].points)
    assert (again.names, again.points.tolist()) == (seen.names, seen.points.tolist())


def test_an_empty_track_is_valid(tmp_path):
    empty = track(SQUARE).result()
    assert load(empty.save(tmp_path / "t.npz")).records == 0
    assert "records" in empty.summary()
    assert empty.columns()["step"].shape == (0,)
    with pytest.raises(InputError, match="nothing was recorded"):
        empty.info()
    with pytest.raises(InputError, match="no frames"):
        empty.animation(tmp_path / "film.gif")


def test_curves(seen):
    cells = seen.info()
    assert [series.name for series in cells.series] == ["regions", "births", "deaths"]
    np.testing.assert_array_equal(cells.series[0].y, seen.regions)
    np.testing.assert_array_equal(cells.series[0].x, [0, 100, 200, 300])
    assert cells.xlabel == "optimizer step"
    np.testing.assert_array_equal(seen.info(which="length").series[0].y, seen.length)
    areas = seen.info(which="areas")
    assert [series.name for series in areas.series] == ["a", "b", "c"]
    np.testing.assert_allclose(sum(series.y for series in areas.series), 8.0)
    with pytest.raises(InputError, match="cells, length"):
        seen.info(which="volume")


def test_frames_show_the_boundary_of_their_step(seen):
    for i in (2, -2):
        frame, found = seen.frame(i), boundary(random_net([2, 6, 3], rng=2), SQUARE)
        assert isinstance(frame, PolygonMap)
        np.testing.assert_allclose(frame.points, found.polygons()[0], atol=1e-6)
        np.testing.assert_array_equal(frame.values, found.classes)
        line = frame.lines[0].points.reshape(-1, 3, 2)
        np.testing.assert_allclose(line[:, :2], found.segments, atol=1e-6)
        assert np.isnan(line[:, 2]).all()
        assert frame.title == f"step 200: {seen.regions[2]} regions"
        assert frame.markers[0].values.tolist() == [0, 2]
    for i in (4, -5):
        with pytest.raises(InputError, match=f"no frame {i}"):
            seen.frame(i)


def test_all_frames_have_one_window_and_one_legend(seen):
    frames = [seen.frame(i) for i in range(4)]
    assert {frame.names for frame in frames} == {("a", "b", "c")}
    assert all(frame.all_names and len(frame.lines) == 1 for frame in frames)
    assert {(*frame.low, *frame.high) for frame in frames} == {(-2, -1, 2, 1)}


def test_a_line_has_no_film(tmp_path):
    tracker = track(Segment((0, 0), (1, 1)))
    tracker.record(random_net([2, 6, 3], rng=0), 0)
    with pytest.raises(InputError, match="domain of dimension 2"):
        tracker.result().animation(tmp_path / "film.gif")


def test_film_has_a_frame_for_every_record(seen, tmp_path):
    with Image.open(seen.animation(tmp_path / "film.gif", seconds=0.1, dpi=50)) as film:
        assert film.n_frames == 4
        assert film.info["duration"] == 100


def test_long_films_are_thinned_with_both_ends(seen, tmp_path):
    page = seen.animation(tmp_path / "film.html", most=3, dpi=40).read_text()
    assert page.count("data:image/png") == 3 + 1  # the last one is also there without scripts
    assert [f'"step": "{step}"' in page for step in (0, 100, 200, 300)] == [True, False, True, True]
    with pytest.raises(InputError, match="most ≥ 2"):
        seen.animation(tmp_path / "film.html", most=1)


def test_captions_tell_the_numbers(seen):
    from inscape.regions._track_draw import caption

    assert caption(seen, 0)["births"] == "–"
    told = caption(seen, 3)
    assert (told["step"], told["epoch"], told["regions"]) == ("300", "3", str(seen.regions[3]))
    assert told["deaths"] == str(int(seen.deaths[3]))
    tracker = track(SQUARE)
    tracker.record(random_net([2, 6, 3], rng=0), 0)
    assert "epoch" not in caption(tracker.result(), 0)
