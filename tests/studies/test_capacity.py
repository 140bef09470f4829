"""The study of capacity: the task against direct calls, the page against planted outcomes."""

import numpy as np
import pytest

from inscape import training
from inscape.data import load, split
from inscape.plotting import Lines
from inscape.regions import Plane, boundary, partition
from inscape.runs import Outcome, State
from inscape.studies._capacity import capacity, tasks
from inscape.studies._capacity_page import sections

OPTIONS = {"network": "MLP", "data": "digits", "width": 6, "depth": 1, "epochs": 1}


def test_the_task_measures_what_direct_calls_give():
    found = capacity(**OPTIONS, rng=5)
    kept, held_out = split(*load("digits"), test=0.2, rng=0)
    plane = Plane.pca(kept[0].numpy())
    untrained = training.mlp([64, 6, 10], rng=5)
    recipe = training.Recipe(optimizer="adamw", learning_rate=3e-3, weight_decay=1e-2, scheduler="cosine", rng=5)
    model = training.fit(untrained, kept, epochs=1, recipe=recipe, progress=False).model
    assert found["cells_untrained"] == partition(untrained, plane).count("activation")
    assert found["cells"] == partition(model, plane).count("activation")
    assert found["boundary"] == boundary(model, plane).length
    assert found["test_accuracy"] == training.accuracy(model, held_out)
    assert (found["units"], found["parameters"]) == (6, 64 * 6 + 6 + 6 * 10 + 10)
    assert found["area"] == pytest.approx(np.prod(plane.high - plane.low))


def test_same_seed_same_numbers():
    first, second = (capacity(**OPTIONS, rng=1) for _ in range(2))
    times = {"training_seconds", "geometry_seconds"}
    assert {k: v for k, v in first.items() if k not in times} == {k: v for k, v in second.items() if k not in times}


def test_the_conv_net_is_measured():
    found = capacity(network="conv net", data="mnist5k", width=None, depth=None, epochs=1, rng=0)
    assert found["units"] == 760
    assert found["cells"] > 100
    assert found["test_accuracy"] > 0.5


@pytest.mark.parametrize("quick", [True, False])
def test_tasks_repeat_over_seeds(quick):
    made = tasks(quick=quick)
    shapes = {(task["network"], task["width"], task["depth"]) for task in made}
    assert len(made) == (20 if quick else 105)
    assert len(shapes) == (7 if quick else 21)


def planted(width, depth, seed, *, exponent=2.0, status="exact"):
    """Regions that grow as a power of the width, with a factor a seed."""
    cells = depth * (1 + 0.1 * seed) * width**exponent
    return Outcome(
        options={"network": "MLP", "data": "digits", "width": width, "depth": depth, "epochs": 1},
        replicate=seed,
        result={
            "units": width * depth,
            "cells": cells,
            "cells_untrained": cells / 2,
            "predicted": 1.25 * cells,
            "boundary": 10.0 + width + seed,
            "train_accuracy": 0.9 + width / 1000,
            "test_accuracy": 0.8 + width / 1000,
            "status": status,
        },
    )


OUTCOMES = [planted(width, depth, seed) for width in (4, 8, 16) for depth in (1, 2) for seed in range(3)]


def test_planted_growth_is_found():
    regions, edge, accuracy, table = sections(OUTCOMES)
    assert regions.numbers["exponents"] == pytest.approx({"1": 2.0, "2": 2.0})
    assert regions.numbers["training_ratio"] == pytest.approx(2.0)
    assert regions.numbers["predicted_ratio"] == pytest.approx(1.25)
    assert regions.numbers["headline"]["exponent of growth with width"] == "2.00"
    assert edge.numbers["rank_correlation"] == pytest.approx(0.95, abs=0.06)
    assert accuracy.numbers["best"] == {"depth": 1, "width": 16}
    assert table.numbers["rows"] == 6


def test_curves_hold_means_over_seeds():
    figure = sections(OUTCOMES)[1].figures[0].info
    assert isinstance(figure, Lines)
    assert [series.name for series in figure.series] == ["1 hidden layer", "2 hidden layers"]
    np.testing.assert_array_equal(figure.series[0].x, [4, 8, 16])
    np.testing.assert_allclose(figure.series[0].y, [15, 19, 27])
    half = 4.302653 / np.sqrt(3)  # t(0.975; 2), standard deviation 1
    np.testing.assert_allclose(figure.series[0].high - figure.series[0].y, half, rtol=1e-5)
    counts = sections(OUTCOMES)[0].figures[0].info.series[0]
    np.testing.assert_allclose(counts.y, np.cbrt(1.0 * 1.1 * 1.2) * np.array([16, 64, 256]))


def test_failed_and_limited_networks_are_told():
    failed = Outcome(options=OUTCOMES[0].options, state=State.FAILED, error="E")
    limited = planted(8, 1, 3, status="limit")
    regions, *_, table = sections([failed, *OUTCOMES, limited])
    assert "18 of 19 counts are exact" in regions.notes[0]
    assert "1 stopped at 1,000,000 cells" in regions.notes[0]
    assert sum(table.tables[0].columns["seeds"]) == 19


def test_without_a_value_the_page_says_so():
    (section,) = sections([Outcome(options=OUTCOMES[0].options, state=State.FAILED, error="E")])
    assert "nothing to compare" in section.notes[0]


def test_a_single_seed_has_curves_without_intervals():
    figure = sections([planted(4, 1, 0), planted(8, 1, 0)])[0].figures[0].info
    np.testing.assert_array_equal(figure.series[0].low, figure.series[0].high)
