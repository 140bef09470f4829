"""The tracker against partitions and boundaries of the same moments, and births and deaths against sets."""

import gc
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from inscape import data, training
from inscape._errors import BudgetError, InputError, ModelError
from inscape.regions import Box, Plane, Segment, boundary, partition, track
from inscape.results import Verdict
from inscape.testing import random_net, unchanged

SQUARE = Box(low=(-2, -2), high=(2, 2))


def patterns(model, domain=SQUARE):
    return set(map(bytes, partition(model, domain).patterns().astype(np.int16)))


def moving(seed=0, outputs=2):
    """A model, and a step that moves its weights in place."""
    model = random_net([2, 10, 8, outputs], rng=seed)
    source = torch.Generator().manual_seed(seed)

    def step():
        with torch.no_grad():
            for p in model.parameters():
                p.add_(0.1 * torch.randn(p.shape, generator=source, dtype=torch.float64).to(p.dtype))

    return model, step


@pytest.mark.parametrize("outputs", [1, 3])
def test_every_record_is_the_partition_and_the_boundary_of_its_moment(outputs):
    model, step = moving(outputs=outputs)
    tracker, known = track(SQUARE), []
    for i in range(5):
        assert tracker.record(model, 10 * i)
        cells, found = partition(model, SQUARE), boundary(model, SQUARE)
        known.append((cells.count("activation"), found.length, found.components, *found.class_areas))
        step()
    seen = tracker.result()
    assert seen.steps.tolist() == [0, 10, 20, 30, 40]
    rows = np.column_stack([seen.regions, seen.length, seen.components, seen.areas])
    np.testing.assert_array_equal(rows, known)
    assert len({row[0] for row in known}) > 1
    assert seen.status.verdict is Verdict.EXACT


def test_births_and_deaths_are_differences_of_sets():
    model, step = moving()
    tracker, sets = track(SQUARE), []
    for i in range(5):
        tracker.record(model, i)
        sets.append(patterns(model))
        step()
    seen = tracker.result()
    assert seen.births[1:].tolist() == [len(b - a) for a, b in pairwise(sets)]
    assert seen.deaths[1:].tolist() == [len(a - b) for a, b in pairwise(sets)]
    assert np.isnan([seen.births[0], seen.deaths[0]]).all()
    np.testing.assert_array_equal(np.diff(seen.regions), (seen.births - seen.deaths)[1:])
    assert seen.births[1:].sum() > 0


def test_nothing_moves_nothing_is_born():
    model, _ = moving()
    tracker = track(SQUARE)
    for i in range(2):
        tracker.record(model, i)
    seen = tracker.result()
    assert (seen.births[1], seen.deaths[1]) == (0, 0)


def test_in_a_fit_and_left_untouched():
    pair = data.load("moons", n=100)
    tracker = track(SQUARE, every=2, data=pair)
    plain = training.fit(training.mlp([2, 8, 2]), pair, epochs=4)
    watched = training.fit(training.mlp([2, 8, 2]), pair, epochs=4, recorder=tracker)
    assert all(torch.equal(a, b) for a, b in zip(plain.model.parameters(), watched.model.parameters(), strict=True))
    seen = tracker.result()
    assert seen.epochs.tolist() == [0, 2, 4]
    assert seen.steps[-1] == watched.history.steps
    assert seen.regions[-1] == partition(watched.model, SQUARE).count()
    assert len(seen.points) == 100


def test_record_changes_nothing():
    model = nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 3))
    model(torch.rand(8, 2)).square().sum().backward()
    tracker = track(SQUARE)
    with unchanged(model):
        tracker.record(model, 0)
        tracker.record(model, 1)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)

    def forward(self, x):
        return self.second(torch.relu(self.first(x)) + x)


def test_a_model_is_read_once_and_anew_when_its_parameters_move(monkeypatch):
    import inscape.regions._tracker as place

    reads = []
    monkeypatch.setattr(place, "read", lambda *given: reads.append(1) or original(*given))
    original = __import__("inscape.network", fromlist=["read"]).read
    model, tracker = Residual(), track(SQUARE)
    tracker.record(model, 0)
    with torch.no_grad():
        model.first.bias.add_(0.5)
    tracker.record(model, 1)
    assert len(reads) == 1
    model.first.weight = nn.Parameter(torch.eye(2))
    tracker.record(model, 2)
    assert len(reads) == 2
    assert tracker.result().regions[-1] == partition(model, SQUARE).count()
    tracker.record(Residual(), 3)
    assert len(reads) == 3


def test_a_tracker_keeps_no_model_alive_by_itself():
    import weakref

    model, tracker = Residual(), track(SQUARE)
    tracker.record(model, 0)
    seen = weakref.ref(model)
    del model
    gc.collect()
    assert seen() is None


def test_repr_is_short():
    model, _ = moving()
    tracker = track(SQUARE)
    tracker.record(model, 0)
    assert repr(tracker) == "Tracker(domain=Box(low=(-2, -2), high=(2, 2)), records=1)"


def test_every_counts_calls_and_now_overrides():
    model, _ = moving()
    tracker = track(SQUARE, every=3)
    assert [tracker.record(model, i) for i in range(7)] == [True, False, False, True, False, False, True]
    assert tracker.record(model, 7, now=True)
    assert tracker.result().steps.tolist() == [0, 3, 6, 7]


def test_an_interrupted_record_leaves_the_track_valid(monkeypatch):
    import inscape.regions._track_look as place

    model, step = moving()
    tracker = track(SQUARE)
    tracker.record(model, 0)
    step()
    real = place.boundary
    monkeypatch.setattr(place, "boundary", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        tracker.record(model, 1)
    monkeypatch.setattr(place, "boundary", real)
    assert tracker.result().records == len(tracker.result().frames) == 1
    tracker.record(model, 2)
    assert tracker.result().steps.tolist() == [0, 2]
    assert tracker.result().births[1] >= 0


def test_limit_is_a_status():
    model, step = moving()
    small, whole = track(SQUARE, max_cells=12), track(SQUARE)
    for i in range(2):
        small.record(model, i)
        whole.record(model, i)
        step()
    seen = small.result()
    assert str(seen.status).startswith("limit(2)")
    assert seen.limited.all()
    assert np.isnan(seen.births).all()
    assert not whole.result().limited.any()


def test_a_limit_that_leaves_no_room_stops_no_training(monkeypatch, tmp_path):
    import inscape.regions._track_look as place

    def full(*_, **__):
        raise BudgetError("far more than max_cells")

    model, step = moving()
    tracker = track(SQUARE)
    real = place.partition
    monkeypatch.setattr(place, "partition", full)
    with pytest.raises(BudgetError):
        tracker.record(model, 0)
    for i in range(4):
        monkeypatch.setattr(place, "partition", full if i == 1 else real)
        tracker.record(model, i)
        step()
    seen = tracker.result()
    assert seen.limited.tolist() == [False, True, False, False]
    assert np.isnan(seen.births).tolist() == [True, True, True, False]
    assert str(seen.status).startswith("limit(1)")
    assert seen.frame(1).title == "step 1: 0 regions (limit reached)"
    assert seen.animation(tmp_path / "film.gif", dpi=30).exists()


def test_weights_that_are_not_finite_are_refused_by_step():
    model, _ = moving()
    tracker = track(SQUARE)
    tracker.record(model, 0)
    with torch.no_grad():
        model[0].bias[0] = float("nan")
    with pytest.raises(ModelError, match="not finite at step 7"):
        tracker.record(model, 7)
    assert tracker.result().records == 1


def test_another_architecture_is_refused():
    tracker = track(SQUARE)
    tracker.record(random_net([2, 6, 2], rng=0), 0)
    with pytest.raises(InputError, match="got one with 7 predicates after 6"):
        tracker.record(random_net([2, 7, 2], rng=0), 1)


def test_state_travels_in_a_checkpoint(tmp_path):
    pair = data.load("moons", n=60)

    def run(epochs, path, tracker):
        training.fit(training.mlp([2, 6, 2]), pair, epochs=epochs, recorder=tracker, checkpoint=path)
        return tracker.result()

    whole = run(4, tmp_path / "a", track(SQUARE, every=2))
    run(3, tmp_path / "b", track(SQUARE, every=2))
    again = run(4, tmp_path / "b", track(SQUARE, every=2))
    for name, values in whole.columns().items():
        np.testing.assert_array_equal(again.columns()[name], values)
    assert len(again.frames) == len(whole.frames) == 3
    with pytest.raises(InputError, match="tracker on Box"):
        track(Box(low=(0, 0), high=(1, 1))).load_state_dict(track(SQUARE).state_dict())


def test_state_before_the_first_record():
    tracker = track(SQUARE)
    tracker.load_state_dict(track(SQUARE).state_dict())
    model, _ = moving()
    tracker.record(model, 0)
    assert np.isnan(tracker.result().births[0])


def test_on_a_segment_and_on_a_plane_of_a_larger_space():
    line = track(Segment((-2, 0), (2, 1)))
    model, _ = moving()
    line.record(model, 0)
    seen = line.result()
    assert seen.regions[0] == partition(model, Segment((-2, 0), (2, 1))).count()
    assert seen.frames == ()
    plane = Plane.through((0, 0, 0), (1, 0, 0), (0, 1, 1))
    wide = track(plane, data=np.array([[0.5, 0.0, 0.0], [0.0, 1.0, 1.0]]))
    wide.record(random_net([3, 8, 2], rng=0), 0)
    np.testing.assert_allclose(wide.result().points, [[0.5, 0], [0, np.sqrt(2)]], atol=1e-12)
    assert len(wide.result().frames) == 1


def test_between_and_level_reach_the_boundary():
    three, one = random_net([2, 8, 3], rng=1), random_net([2, 8, 1], rng=1)
    pair, level = track(SQUARE, between=(0, 2)), track(SQUARE, level=0.2)
    pair.record(three, 0)
    level.record(one, 0)
    assert pair.result().length[0] == boundary(three, SQUARE, between=(0, 2)).length
    assert level.result().length[0] == boundary(one, SQUARE, level=0.2).length


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"every": 0}, "every ≥ 1"),
        ({"max_cells": 0}, "max_cells ≥ 1"),
        ({"data": np.zeros((4, 3))}, r"data \(n, 2\)"),
        ({"data": (np.zeros((4, 2)), np.zeros(3))}, "4 labels"),
        ({"data": (np.zeros((4, 2)), np.array([0.5, 0, 0, 1]))}, "whole numbers"),
    ],
)
def test_refusals(options, text):
    with pytest.raises(InputError, match=text):
        track(SQUARE, **options)
