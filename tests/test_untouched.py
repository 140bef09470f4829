"""Who looks at a model leaves it bit-identical, and leaves the global random states alone.

Every public callable stands in exactly one of three lists; a new one that stands in none makes the suite fail.
"""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import inscape
from inscape import (
    data,
    geometry,
    gradients,
    maps,
    network,
    parameters,
    regions,
    report,
    results,
    runs,
    testing,
    training,
)
from inscape.geometry import Box
from inscape.testing import unchanged

SQUARE = Box(low=(-1, -1), high=(1, 1))
POINTS = np.random.default_rng(0).uniform(-1, 1, (12, 2))
X = torch.tensor(POINTS, dtype=torch.float32)
Y = torch.arange(12) % 3


def plain() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Dropout(0.25), nn.Linear(6, 3))


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3), nn.Softmax(1))


def smooth() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Dropout(0.25), nn.Linear(6, 3))


class Residual(nn.Module):
    """Not sequential, so that it is read through torch.export."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.drop = nn.Linear(2, 2), nn.Linear(2, 3), nn.Dropout(0.25)

    def forward(self, x):
        return self.second(self.drop(torch.relu(self.first(x)) + x))


def in_training(model):
    """A model in the middle of its training: train mode, gradients, running statistics, one frozen parameter."""
    model.train()
    model(X).square().sum().backward()
    next(model.parameters()).requires_grad_(False)
    return model


def at_rest(model):
    return model.eval()


def borrow(model, _):
    with parameters.borrowed(model) as lent:
        lent(X, {name: value * 2 for name, value in lent.parameters.items()})


def follow(model, _):
    found = network.read(model, X)
    found.evaluate(POINTS)
    found.evaluate(POINTS, head=True)
    found.frozen()
    found.describe()


def cut(model, _):
    found = network.read(model, X)
    geometry.plan(found, SQUARE)
    geometry.affine_maps(geometry.subdivide(found, SQUARE))
    list(geometry.subdivide_blocks(found, SQUARE))


def watch(model, _):
    tracker = regions.track(SQUARE, example=X)
    tracker.record(model, 0)
    tracker(step=1, epoch=1, model=model, metrics={})
    tracker.state_dict()
    assert tracker.result().records == 2


def watch_gradients(model, _):
    tracker = gradients.track((X, Y))
    tracker.record(model, 0)
    tracker(step=1, epoch=1, model=model, metrics={})
    tracker.state_dict()
    assert tracker.result().records == 2


def look_around(model, _):
    found = network.read(model, X)
    none = np.full(2, np.inf)
    ball = geometry.Ball(centre=POINTS[0], norm=2.0, radius=np.inf, low=-none, high=none)
    geometry.bracket(found, ball, [geometry.Target(left=0, right=1)], limits=geometry.Limits(families=50))


def write_page(model, folder):
    context = results.Context(model=model, network=network.read(model, X), name="net", x=X, y=Y, max_cells=500)
    report.write_page([context], out=folder / "page", progress=False)


def looked_at(i, shared):
    """A task that changes the mode and the gradients of its copy of the model."""
    shared["model"].eval()
    shared["model"](X).square().sum().backward()
    return i


def share_out(model, folder):
    outcomes = runs.map(looked_at, [{"i": 0}, {"i": 1}], shared={"model": model}, ledger=folder / "ledger.sqlite")
    assert all(outcome.done for outcome in outcomes)


def stand_in_a_region(model, _):
    found = geometry.local_plan(network.read(model, X))
    region = geometry.region_at(found, POINTS[0])
    geometry.regions_of(found, geometry.patterns_at(found, POINTS))
    geometry.region_of(found, geometry.neighbour(found, region, int(region.distinct[0])))
    geometry.neighbours(found, region, region.distinct)
    geometry.neighbours_of(found, [region, region], [region.distinct, region.distinct[:1]])


Call = Callable[[nn.Module, Any], Any]
FLAT: tuple[Call, ...] = (plain,)
PIECEWISE: tuple[Call, ...] = (plain, normed, Residual)
ANY: tuple[Call, ...] = (plain, normed, smooth, Residual)

LOOKS: dict[str, tuple[Call, tuple[Call, ...]]] = {
    "geometry.affine_maps": (cut, PIECEWISE),
    "geometry.local_plan": (stand_in_a_region, (plain,)),
    "geometry.neighbour": (stand_in_a_region, (plain,)),
    "geometry.neighbours": (stand_in_a_region, (normed,)),
    "geometry.neighbours_of": (stand_in_a_region, (Residual,)),
    "geometry.patterns_at": (stand_in_a_region, (normed,)),
    "geometry.bracket": (look_around, PIECEWISE),
    "geometry.plan": (cut, (plain,)),
    "geometry.region_at": (stand_in_a_region, (Residual,)),
    "geometry.region_of": (stand_in_a_region, (normed,)),
    "geometry.regions_of": (stand_in_a_region, (Residual,)),
    "geometry.subdivide": (cut, (normed,)),
    "geometry.subdivide_blocks": (cut, (normed,)),
    "gradients.rescaled": (lambda model, _: gradients.rescaled(model, (X, Y)), ANY),
    "gradients.slab_map": (lambda model, _: gradients.slab_map(model, SQUARE, (X, Y), resolution=8), ANY),
    "gradients.slabs": (lambda model, _: gradients.slabs(model, (X, Y), mode="train"), ANY),
    "gradients.support": (lambda model, _: gradients.support(model, (X, Y), needed=3), ANY),
    "gradients.budget": (lambda model, _: gradients.budget(model, None, (X, Y)), ANY),
    "gradients.diagnose": (lambda model, _: gradients.diagnose(model, None, (X, Y)), ANY),
    "gradients.field": (lambda model, _: gradients.field(model, None, SQUARE, resolution=4, data=(X, Y)), ANY),
    "gradients.audit": (lambda model, _: gradients.audit(model, (X, Y), rescale=True), ANY),
    "gradients.contributions": (lambda model, _: gradients.contributions(model, None, (X, Y)), ANY),
    "gradients.advise": (lambda model, _: gradients.advise(model, (X, Y), epochs=1, test=(X, Y)), (plain,)),
    "gradients.temperature": (lambda model, _: gradients.temperature(model, (X, Y)), ANY),
    "gradients.track": (watch_gradients, ANY),
    "maps.predict": (lambda model, _: maps.predict(model, SQUARE, resolution=16), PIECEWISE),
    "maps.slabs": (lambda model, _: maps.slabs(model, SQUARE), (smooth,)),
    "network.Network": (follow, ANY),
    "network.load": (lambda model, _: network.load(model), ANY),
    "network.model_fingerprint": (lambda model, _: network.model_fingerprint(model), ANY),
    "network.read": (lambda model, _: network.read(model, X), ANY),
    "network.save_pt2": (lambda model, folder: network.save_pt2(model, X, folder / "model.pt2"), ANY),
    "parameters.borrowed": (borrow, ANY),
    "regions.boundary": (lambda model, _: regions.boundary(model, SQUARE, example=X), PIECEWISE),
    "regions.explore": (lambda model, _: regions.explore(model, POINTS, domain=SQUARE, max_cells=9), PIECEWISE),
    "regions.distance": (
        lambda model, _: regions.distance(model, POINTS[:2].astype(np.float32), max_cells=50),
        PIECEWISE,
    ),
    "regions.lipschitz": (lambda model, _: regions.lipschitz(model, SQUARE), (plain, normed)),
    "regions.partition": (lambda model, _: regions.partition(model, SQUARE, example=X), PIECEWISE),
    "regions.partition_blocks": (lambda model, _: list(regions.partition_blocks(model, SQUARE, example=X)), PIECEWISE),
    "regions.track": (watch, PIECEWISE),
    "regions.predict_cells": (lambda model, _: regions.predict_cells(model, SQUARE), (plain, normed)),
    "report.write": (lambda model, folder: report.write(model, x=X, y=Y, out=folder / "page"), (plain,)),
    "report.write_page": (write_page, (normed,)),
    "runs.map": (share_out, ANY),
    "testing.cells_by_dense_sampling": (lambda model, _: testing.cells_by_dense_sampling(model, SQUARE), FLAT),
    "testing.cells_by_clipping": (lambda model, _: testing.cells_by_clipping(model, SQUARE), FLAT),
    "testing.cells_by_lp": (lambda model, _: testing.cells_by_lp(model, SQUARE), FLAT),
    "testing.count_by_lp": (lambda model, _: testing.count_by_lp(model, SQUARE), FLAT),
    "testing.faults.inscape_tool": (
        lambda model, _: testing.faults.inscape_tool(model, nn.functional.cross_entropy, (X, Y)),
        ANY,
    ),
    "testing.faults.gradient_norm_tool": (
        lambda model, _: testing.faults.gradient_norm_tool(model, nn.functional.cross_entropy, (X, Y)),
        ANY,
    ),
    "testing.distance_by_milp": (lambda model, _: testing.distance_by_milp(model, POINTS[0], 1), FLAT),
    "testing.distance_by_patterns": (lambda model, _: testing.distance_by_patterns(model, POINTS[0]), FLAT),
    "testing.layers_of": (lambda model, _: testing.layers_of(model), FLAT),
    "testing.unchanged": (lambda model, _: unchanged(model)(len)(()), ANY),
    "training.accuracy": (lambda model, _: training.accuracy(model, (X, Y)), ANY),
    "training.SnapshotRecorder": (
        lambda model, _: training.SnapshotRecorder()(step=0, epoch=0, model=model, metrics={}),
        ANY,
    ),
}
TRAINS: dict[str, Call] = {
    "training.fit": lambda model, _: training.fit(model, (X, Y), epochs=1, progress=False).model,
}
NO_MODEL = {
    "data": "Batches DataCard batches card check load names split",
    "geometry": "Box Complex Elementwise Facets Kind Level LocalPlan LocalRegion LocalStep Maximum Node Plan Plane "
    "Program Segment Slice Sort Splitting Stage Step Subdivision facets largest_ball locate_in_plane locate_on_line "
    "nearest_point operator_norms "
    "Faces Pairing Polytopes betti_numbers cell_facets centroid_tree components euler_characteristic f_vector faces "
    "half_spaces locate Ball Bracket Limits Target nearest_in_hull nearest_on_segments",
    "gradients": "Budget Cause Diagnosis Field GradientVerdict InitialAudit Rescaled SlabMap Support UnitSlabs "
    "Advice Calibration Contributions GradientTrack GradientTracker balanced_scale effective_samples sections_of",
    "maps": "PredictionMap Slabs transition_halfwidth",
    "network": "",
    "parameters": "Borrowed",
    "plotting": "Heatmap Lines Markers Mesh PolygonMap Polyline Series Table Waterfall grid_shape rasterize render "
    "save_animation save_figure table_html to_html_div",
    "regions": "Audit Boundary Box Built BuiltCheck Certificate Distance Everywhere Exploration Frame HalfSpaces "
    "Partition PartitionBlock Plane Polygon Prediction Segment Slice Slopes Track Tracker build export read_shapes",
    "regions.counting": "Richness arrangement_cells asymptotic_scale bounded_arrangement_cells bounded_cells bounds "
    "central_cells chao1 characteristic_polynomial dichotomies expected_scale generic_cells "
    "least_hyperplanes maxout_upper montufar_lower montufar_upper pattern_upper raghu_upper "
    "serra_upper",
    "report": "check_folder write_sections",
    "results": "Context Figure Provenance Result Section Status Verdict fingerprint from_bytes load",
    "runs": "Outcome Pruned Run State export grid list_runs outcomes prune",
    "studies": "Study StudyReport describe names run",
    "testing": "Arrangement arrangement_net arrangements ball ball_net balls_net braid braid_net "
    "breakpoints_by_bisection enclosing_box facets_by_lp grid grid_net inside_polygon montufar_net moment_curve "
    "random_arrangement random_net relu_nets sawtooth sequential sphere_points torus_blocks torus_net "
    "arranged betti_by_sets cubes faces_by_sets polytope",
    "testing.faults": "FaultCase Kind Net Outcome Row Score candidates cases label_all outcome rows score",
    "training": "Fit History Recipe Recorder mlp small_convnet",
}


def public() -> set[str]:
    """Qualified names of all public callables, those of public modules inside a package included."""
    places = {name for name in inscape.__all__ if isinstance(getattr(inscape, name), ModuleType)}
    places |= {"regions.counting", "testing.faults"}
    return {
        f"{place}.{name}"
        for place in places
        for name, thing in vars(import_module(f"inscape.{place}")).items()
        if callable(thing) and not name.startswith("_")
    }


def test_every_public_callable_stands_in_exactly_one_list():
    without = {f"{place}.{name}" for place, names in NO_MODEL.items() for name in names.split()}
    lists = [set(LOOKS), set(TRAINS), without]
    together = [name for names in lists for name in names]
    assert sorted(public() - set(together)) == [], "stand in no list"
    assert sorted(set(together) - public()) == [], "are listed and do not exist"
    assert sorted(name for name in set(together) if together.count(name) > 1) == [], "stand in two lists"


CASES = [
    pytest.param(call, build, id=f"{name}-{build.__name__}")
    for name, (call, builds) in LOOKS.items()
    for build in builds
]


@pytest.mark.parametrize("state", [in_training, at_rest])
@pytest.mark.parametrize(("call", "build"), CASES)
def test_looking_leaves_the_model_bit_identical(call, build, state, tmp_path):
    model = state(build())
    with unchanged(model):
        call(model, tmp_path)


@pytest.mark.parametrize("call", TRAINS.values(), ids=TRAINS)
def test_training_changes_a_copy(call, tmp_path):
    model = in_training(plain())
    with unchanged(model):
        trained = call(model, tmp_path)
    pairs = zip(model.parameters(), trained.parameters(), strict=True)
    assert any(not torch.equal(before, after) for before, after in pairs)


def test_data_sets_leave_random_states_alone():
    with unchanged():
        data.load("moons")
