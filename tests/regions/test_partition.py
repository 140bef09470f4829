"""What a partition says of its cells: counts under each definition, patterns, maps, facets, balls."""

import inspect

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn

from inscape.geometry import Box, Plane, Segment
from inscape.network import read
from inscape.regions import partition
from inscape.testing import cells_by_lp, random_net, relu_nets, sequential, unchanged

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))
LINE = Box(low=(-1.0,), high=(1.0,))
CHARTS = {
    "box": ([2, 9, 7, 3], SQUARE),
    "interval": ([1, 9, 7, 3], LINE),
    "segment": ([5, 9, 7, 3], Segment(np.full(5, -1.0), np.linspace(-1.0, 2.0, 5), margin=0.1)),
    "plane": ([5, 9, 7, 3], Plane.random(np.full(5, 0.2), radius=1.5, rng=3)),
}


@pytest.fixture(scope="module", params=CHARTS)
def cells(request):
    widths, chart = CHARTS[request.param]
    return partition(random_net(widths, rng=11), chart)


def network(cells):
    return cells.subdivision.plan.program


def corners(cells, cell):
    points, offsets = cells.polygons()
    return points[offsets[cell] : offsets[cell + 1]]


def net(*layers):
    return sequential([(np.array(w, dtype=float), np.array(b, dtype=float)) for w, b in layers])


# Counts: (activation, affine, connected) of nets for which they differ.
DEFINITIONS = {
    "one fold": (net(([[1]], [0]), ([[1]], [0])), (2, 2, 2)),
    "duplicated": (net(([[1], [1]], [0, 0]), ([[1, 1]], [0])), (2, 2, 2)),
    "dead": (net(([[1], [1]], [0, -5]), ([[1, 1]], [0])), (2, 2, 2)),
    "cancelling": (net(([[1], [1]], [0, 0]), ([[1, -1]], [0])), (2, 1, 1)),
    "identity from two hinges": (net(([[1], [-1]], [0, 0]), ([[1, -1]], [0])), (2, 1, 1)),
    "ignored": (net(([[1], [1]], [0, -0.5]), ([[1, 0]], [0])), (3, 2, 2)),
    "plateau": (net(([[1], [1], [1]], [0.5, 0, -0.5]), ([[1, -2, 1]], [0])), (4, 3, 4)),
    "no fold inside": (net(([[1]], [-3]), ([[1]], [0])), (1, 1, 1)),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_three_definitions_differ_where_they_must(name):
    model, expected = DEFINITIONS[name]
    found = partition(model, LINE)
    assert tuple(found.count(d) for d in ("activation", "affine", "connected")) == expected


def test_one_pattern_is_one_region_even_where_two_cells_touch_at_a_point_only():
    bowtie = net(([[1, 0], [0, 1]], [0, 0]), ([[1, 1]], [0]))  # quadrants; x⁺ + y⁺
    found = partition(bowtie, SQUARE)
    assert [found.count(d) for d in ("activation", "affine", "connected")] == [4, 4, 4]
    saddle = nn.Sequential(nn.Linear(2, 4, bias=False), nn.ReLU(), nn.Linear(4, 1, bias=False)).double()
    with torch.no_grad():  # |x| - |y|: four quadrants of four maps
        saddle[0].weight.copy_(torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]]))
        saddle[2].weight.copy_(torch.tensor([[1.0, 1, -1, -1]]))
    assert [partition(saddle, SQUARE).count(d) for d in ("activation", "affine", "connected")] == [4, 4, 4]


@pytest.mark.parametrize("slope", [39 * 2.0**-10, 5 * 2.0**-11, 3 * 2.0**-12, 0.1, 1 / 3])
@pytest.mark.parametrize(("up", "down"), [(0.1, 0.3), (0.7, 0.8), (0.13, 0.37)])
def test_maps_equal_but_for_rounding_are_one_map(slope, up, down):
    """A bump on a line: before and behind it the map is the same, but for rounding, also half-way between multiples."""
    hinges = ([[1]] * 4, [2, 0.5, 0, -0.5 * up / down])
    found = partition(net(hinges, ([[slope, up, -up - down, down], [1, 0, 0, 0]], [-2 * slope, -2])), LINE)
    assert [found.count(d) for d in ("activation", "affine", "connected")] == [4, 3, 4]


def test_maps_that_differ_by_more_than_the_tolerance_are_two():
    found = partition(net(([[1], [1]], [2, 0]), ([[1, 1e-7]], [0])), LINE)
    assert (found.count("affine"), found.count("affine", tolerance=1e-6)) == (2, 1)


def test_unknown_definition_is_named(cells):
    with pytest.raises(ValueError, match="got 'linear'"):
        inspect.unwrap(type(cells).count)(cells, "linear")


def test_counts_are_at_most_the_cells(cells):
    assert cells.cell_count == cells.count("activation") >= cells.count("connected") >= cells.count("affine")


@given(relu_nets(max_width=5, max_depth=2))
@settings(max_examples=20)
def test_patterns_are_those_of_the_oracle(model):
    found = partition(model, SQUARE)
    patterns = sorted(map(tuple, found.patterns().astype(bool).tolist()))
    assert patterns == sorted(map(tuple, cells_by_lp(model, SQUARE).tolist()))


def test_patterns_are_those_of_a_forward_pass(cells):
    x = cells.embed(cells.centroids)
    program, signs = network(cells), []
    values = {0: x}
    for i, node in enumerate(program.nodes[1:], start=1):
        values[i] = node.apply(*(values[j] for j in node.inputs))
        if node.rule is not None:
            signs.append(values[node.inputs[0]] > 0)
    assert np.array_equal(cells.patterns().astype(bool), np.concatenate(signs, axis=1))
    some = np.array([3, 0, 3])
    assert np.array_equal(cells.patterns(some), cells.patterns()[some])


def test_maps_agree_with_the_network_everywhere(cells):
    t = np.random.default_rng(0).uniform(cells.domain.low, cells.domain.high, (100_000, cells.dimension))
    truth = network(cells).evaluate(cells.embed(t))
    assert np.abs(cells.evaluate(t) - truth).max() <= 1e-12 * np.abs(truth).max()


def test_jacobian_is_that_of_autograd(cells):
    widths = next(w for w, chart in CHARTS.values() if chart is cells.domain)
    model = random_net(widths, rng=11)
    for cell in range(0, cells.cell_count, 7):
        x = torch.tensor(cells.embed(cells.centroids[[cell]])[0])
        expected = torch.autograd.functional.jacobian(model, x).numpy()
        assert np.allclose(cells.jacobian(cell), expected, atol=1e-12)
        along = cells.affine_maps[cell, :, 1:]
        assert np.allclose(cells.jacobian(cell) @ cells.domain.basis.T, along, atol=1e-12)


def test_cells_fill_the_domain_and_are_convex(cells):
    window = np.prod(cells.domain.high - cells.domain.low)
    assert cells.volumes.sum() == pytest.approx(window, rel=1e-12)
    assert (cells.volumes > 0).all()
    for cell in range(cells.cell_count):
        points = corners(cells, cell)
        if cells.dimension == 2:
            a, b = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
            assert (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] > -1e-12).all()
        assert (points >= cells.domain.low).all()
        assert (points <= cells.domain.high).all()


def test_volumes_and_centroids_by_triangles(cells):
    if cells.dimension == 1:
        ends = np.sort(cells.vertices[cells.complex.ends][:, :, 0], axis=1)
        assert np.allclose(cells.volumes, ends[:, 1] - ends[:, 0])
        assert np.allclose(cells.centroids[:, 0], ends.mean(1))
        return
    for cell in range(cells.cell_count):
        points = corners(cells, cell)
        triangles = np.stack([np.broadcast_to(points[0], points[2:].shape), points[1:-1], points[2:]], axis=1)
        area = np.abs(np.linalg.det(triangles[:, 1:] - triangles[:, :1])) / 2
        assert cells.volumes[cell] == pytest.approx(area.sum(), rel=1e-9)
        if area.sum() > 1e-8:
            assert np.allclose(cells.centroids[cell], area @ triangles.mean(1) / area.sum(), atol=1e-9)


def test_facets_graph_and_neighbours_say_the_same(cells):
    graph = cells.graph()
    assert abs(graph - graph.T).max() == 0
    for cell in range(cells.cell_count):
        facets = cells.facets(cell)
        others = [f["neighbour"] for f in facets if f["neighbour"] >= 0]
        assert sorted(others) == sorted(graph.indices[graph.indptr[cell] : graph.indptr[cell + 1]].tolist())
        assert cells.touches_wall[cell] == any(f["neighbour"] < 0 for f in facets)
        for facet in facets:
            if facet["neighbour"] >= 0:
                back = [f for f in cells.facets(facet["neighbour"]) if f["neighbour"] == cell]
                assert len(back) == 1
                assert np.array_equal(back[0]["ends"], facet["ends"][::-1])
                if cells.dimension == 2:
                    length = np.linalg.norm(facet["ends"][1] - facet["ends"][0])
                    assert graph[cell, facet["neighbour"]] == pytest.approx(length)


def test_facets_lie_on_the_hyperplanes_that_they_name(cells):
    if cells.dimension == 1:
        return
    program = network(cells)
    walls = np.concatenate([cells.domain.low, cells.domain.high])[[1, 2, 3, 0]]  # low y, high x, high y, low x
    names = {step.name: step for step in cells.steps}
    for cell in range(0, cells.cell_count, 3):
        for facet in cells.facets(cell):
            if facet["module"] == "wall":
                axis = (facet["predicate"] + 1) % 2
                assert np.allclose(facet["ends"][:, axis], walls[facet["predicate"]])
                continue
            step = names[facet["module"]]
            values = {0: cells.embed(facet["ends"])}
            for i, node in enumerate(program.nodes[1:], start=1):
                values[i] = node.apply(*(values[j] for j in node.inputs))
            assert np.abs(values[step.inputs[0]][:, facet["predicate"]]).max() < 1e-12


def test_neighbours_differ_in_one_unit_in_a_generic_net(cells):
    patterns = cells.patterns().astype(int)
    sides = cells.complex.neighbours
    inner = sides[(sides >= 0).all(1)]
    assert (np.abs(patterns[inner[:, 0]] - patterns[inner[:, 1]]).sum(1) == 1).all()


def test_largest_ball_touches_the_walls_of_its_cell(cells):
    for cell in range(0, cells.cell_count, 5):
        centre, radius = cells.chebyshev(cell)
        points = corners(cells, cell)
        if cells.dimension == 1:
            assert radius == pytest.approx(np.abs(points - centre).min())
            continue
        edge = np.roll(points, -1, axis=0) - points
        normal = np.stack([-edge[:, 1], edge[:, 0]], axis=1) / np.linalg.norm(edge, axis=1, keepdims=True)
        depth = (normal * (centre - points)).sum(1)
        assert depth.min() == pytest.approx(radius, abs=1e-9)
        assert radius <= np.sqrt(cells.volumes[cell] / np.pi) + 1e-9
        assert radius >= cells.volumes[cell] / np.linalg.norm(edge, axis=1).sum() - 1e-9  # r ≥ area / perimeter


def test_classes_are_the_largest_output_at_the_centroid(cells):
    assert np.array_equal(cells.classes, network(cells).evaluate(cells.embed(cells.centroids)).argmax(1))


def test_class_of_one_output_is_its_sign():
    found = partition(net(([[1]], [0]), ([[1]], [-0.25])), LINE)
    assert found.classes[np.argsort(found.centroids[:, 0])].tolist() == [0, 1]


def test_slice_of_a_plane_by_a_segment_is_the_partition_of_the_segment():
    model = random_net([4, 10, 8, 2], rng=5)
    plane = Plane.random(np.full(4, 0.1), radius=1.0, rng=1)
    ends = np.array([[-0.9, -0.7], [0.8, 0.95]])
    line = partition(model, Segment(*plane.embed(ends)))
    middle = line.centroids / np.linalg.norm(ends[1] - ends[0])
    whole = partition(model, plane)
    inside = whole.locate(ends[0] + middle * (ends[1] - ends[0]))
    assert np.array_equal(whole.patterns(inside), line.patterns())
    assert len(np.unique(inside)) == line.cell_count
    steps = np.linspace(0, 1, 20_000)[:, None]
    assert len(np.unique(whole.locate(ends[0] + steps * (ends[1] - ends[0])))) <= line.cell_count


def test_graph_for_networkx(cells):
    graph = cells.to_networkx()
    assert graph.number_of_nodes() == cells.cell_count
    assert graph.number_of_edges() == cells.graph().nnz // 2


def test_table_has_a_row_for_each_cell(cells):
    table = cells.to_dataframe()
    assert len(table) == cells.cell_count
    assert table["volume"].sum() == pytest.approx(cells.volumes.sum())
    assert np.allclose(table["output_1_slope_0"], cells.affine_maps[:, 1, 1])


def test_a_model_without_kinks_is_one_cell():
    found = partition(nn.Sequential(nn.Linear(2, 3).double()), SQUARE)
    assert (found.cell_count, str(found.status)) == (1, "exact")
    assert found.patterns().shape == (1, 0)
    assert all(found.count(d) == 1 for d in ("activation", "affine", "connected"))
    assert found.verify().passed


@pytest.mark.parametrize("limit", [1, 2, 17])
@pytest.mark.parametrize("widths", [[2, 20, 20, 1], [1, 20, 20, 1]], ids=str)
def test_limit_of_cells_is_kept_and_said(limit, widths):
    chart = SQUARE if widths[0] == 2 else LINE
    found = partition(random_net(widths, rng=0), chart, max_cells=limit)
    assert found.cell_count == limit
    assert str(found.status).startswith(f"limit({limit})")
    inside = found.evaluate(found.centroids)
    assert np.allclose(inside, network(found).evaluate(found.embed(found.centroids)))
    assert not found.verify(points=50).passed


def test_limit_that_is_just_enough():
    model = random_net([2, 6, 1], rng=0)
    count = partition(model, SQUARE).cell_count
    assert str(partition(model, SQUARE, max_cells=count).status) == "exact"
    assert str(partition(model, SQUARE, max_cells=count - 1).status).startswith("limit")


def test_model_and_random_state_stay():
    model = random_net([2, 6, 6, 2], rng=0)
    with unchanged(model):
        found = partition(model, SQUARE)
        found.verify()
        found.count("connected")


def test_a_network_read_before_gives_the_same_cells():
    model = random_net([2, 8, 8, 1], rng=2)
    direct, through = partition(model, SQUARE), partition(read(model), SQUARE)
    assert np.array_equal(direct.vertices, through.vertices)
    assert np.array_equal(direct.patterns(), through.patterns())


def test_smooth_head_is_peeled_and_named():
    model = nn.Sequential(*random_net([2, 6, 3], rng=0), nn.Softmax(dim=1))
    found = partition(model, SQUARE)
    assert found.head == "Softmax"
    assert "the input of Softmax" in str(found.facts())
    assert found.cell_count == partition(random_net([2, 6, 3], rng=0), SQUARE).cell_count
