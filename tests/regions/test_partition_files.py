"""Partitions, boundaries, slopes and audits come back from their files as they were."""

from dataclasses import fields

import numpy as np
import pytest

import inscape
from inscape.geometry import Box, Plane, Segment
from inscape.regions import boundary, lipschitz, partition
from inscape.testing import random_net

CHARTS = {
    "box": Box(low=(-1.0, -1.0), high=(1.0, 1.0)),
    "plane": Plane.random(np.zeros(2), radius=0.9, rng=0),
    "segment": Segment((-1.0, 0.2), (0.7, -0.4)),
}
VERBS = {
    "partition": partition,
    "boundary": boundary,
    "slopes": lipschitz,
    "audit": lambda model, chart: partition(model, chart).verify(),
}


def model():
    return random_net([2, 9, 7, 3], rng=1)


def assert_same(mine, theirs, path="result"):
    """Compare two values field by field, arrays bit by bit."""
    assert type(mine) is type(theirs), path
    if isinstance(mine, np.ndarray):
        assert mine.dtype == theirs.dtype, path
        assert np.array_equal(mine, theirs), path
    elif hasattr(mine, "__dataclass_fields__"):
        for field in fields(mine):
            if not field.metadata.get("transient"):
                assert_same(getattr(mine, field.name), getattr(theirs, field.name), f"{path}.{field.name}")
    elif isinstance(mine, tuple | list):
        assert len(mine) == len(theirs), path
        for i, (one, other) in enumerate(zip(mine, theirs, strict=True)):
            assert_same(one, other, f"{path}[{i}]")
    else:
        assert mine == theirs, path


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("verb", ["boundary", "slopes", "audit"])
def test_round_trip(verb, chart, tmp_path):
    made = VERBS[verb](model(), CHARTS[chart])
    loaded = inscape.load(made.save(tmp_path / "result"))
    assert_same(loaded, made)
    assert loaded.facts() == made.facts()
    assert str(loaded) == str(made)


@pytest.mark.parametrize("chart", CHARTS)
def test_loaded_partition_answers_as_before(chart, tmp_path):
    made = partition(model(), CHARTS[chart])
    loaded = inscape.load(made.save(tmp_path / "cells.npz"))
    assert_same(loaded.complex, made.complex)
    assert_same(loaded.domain, made.domain)
    assert (loaded.status, loaded.provenance, loaded.head) == (made.status, made.provenance, made.head)
    for definition in ("activation", "affine", "connected"):
        assert loaded.count(definition) == made.count(definition)
    assert np.array_equal(loaded.affine_maps, made.affine_maps)
    assert np.array_equal(loaded.patterns(), made.patterns())
    assert np.array_equal(loaded.classes, made.classes)
    t = np.random.default_rng(0).uniform(made.domain.low, made.domain.high, (500, made.dimension))
    assert np.array_equal(loaded.locate(t), made.locate(t))
    assert np.array_equal(loaded.evaluate(t), made.evaluate(t))
    assert [f["module"] for f in loaded.facets(0)] == [f["module"] for f in made.facets(0)]


def test_loaded_boundary_has_the_same_curves(tmp_path):
    made = boundary(model(), CHARTS["box"])
    loaded = inscape.load(made.save(tmp_path / "boundary"))
    assert (loaded.length, loaded.components) == (made.length, made.components)
    assert np.array_equal(loaded.segments, made.segments)
    assert np.array_equal(loaded.class_areas, made.class_areas)


def test_loaded_partition_says_what_needs_the_network(tmp_path):
    loaded = inscape.load(partition(model(), CHARTS["box"]).save(tmp_path / "cells"))
    with pytest.raises(ValueError, match="has no network; call partition again"):
        loaded.jacobian(0)


def test_maxima_and_sorts_come_back(tmp_path):
    import torch
    from torch import nn

    net = nn.Sequential(nn.Linear(2, 12), nn.Unflatten(1, (1, 12)), nn.MaxPool1d(3), nn.Flatten(), nn.Linear(4, 2))
    made = partition(net, CHARTS["box"], example=torch.zeros(1, 2))
    loaded = inscape.load(made.save(tmp_path / "cells"))
    assert_same(loaded.steps, made.steps)
    assert np.array_equal(loaded.patterns(), made.patterns())
