"""The region compiler: closed forms, certificates against samples, refusals, files."""

import inspect
from math import log, pi, tan

import numpy as np
import pytest
import torch

from inscape import load
from inscape._errors import InputError, InputTypeError
from inscape.network import read
from inscape.regions import Box, HalfSpaces, Polygon, boundary, build
from inscape.regions._gates import sigmoid
from inscape.results import Verdict

L = Polygon([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)])
FRAME = Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], holes=[[(1, 1), (3, 1), (3, 3), (1, 3)]])
STAR = Polygon([(r * np.cos(a), r * np.sin(a)) for r, a in zip([3, 1] * 5, np.arange(10) * pi / 5, strict=True)])
WINDOW = Box(low=(-5, -5), high=(6, 6))


def area(polygon):
    def shoelace(p):
        q = np.roll(p, -1, axis=0)
        return abs(float((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum())) / 2

    return shoelace(polygon.vertices) - sum(map(shoelace, polygon.holes))


def perimeter(polygon):
    rings = [polygon.vertices, *polygon.holes]
    return sum(float(np.linalg.norm(np.roll(p, -1, axis=0) - p, axis=1).sum()) for p in rings)


@pytest.mark.parametrize("shape", [L, FRAME, STAR], ids=["L", "frame", "star"])
def test_relu_gives_the_polygon_itself(shape):
    found = boundary(build(shape, 10.0, activation="relu").model, WINDOW)
    assert found.class_areas[1] == pytest.approx(area(shape), abs=1e-9)
    assert found.length == pytest.approx(perimeter(shape), abs=1e-9)
    assert found.components == 1 + len(shape.holes)
    assert found.class_components.tolist() == [1 + len(shape.holes), 1]


def test_union_of_overlapping_boxes():
    cross = [Box(low=(-2, -0.5), high=(2, 0.5)), Box(low=(-0.5, -2), high=(0.5, 2))]
    found = boundary(build(cross, 1.0, activation="relu").model, WINDOW)
    assert found.class_areas[1] == pytest.approx(4 + 4 - 1)
    assert found.length == pytest.approx(16.0)
    assert found.components == 1


def test_apart_boxes_are_two_components():
    boxes = [Box(low=(-2, 0), high=(-1, 1)), Box(low=(1, 0), high=(2, 1))]
    found = boundary(build(boxes, 1.0, activation="relu").model, WINDOW)
    assert (found.components, found.class_components.tolist()) == (2, [1, 2])


def test_interval_in_one_dimension():
    found = boundary(build(Box(low=(1,), high=(3,)), 2.0, activation="relu").model, Box(low=(0,), high=(10,)))
    assert sorted(found.segments.ravel().tolist()) == [1.0, 3.0]
    assert found.class_areas.tolist() == [8.0, 2.0]


def test_unbounded_half_space_is_right_far_away():
    built = build(HalfSpaces([[0.0, 3.0]], [6.0]), 1.0, activation="relu")
    y = torch.tensor([[0.0, 1.5], [1e6, 2.5], [0.0, 1e9], [0.0, -1e9]], dtype=torch.float64)
    assert (built.model(y)[:, 0] > 0).tolist() == [True, False, False, True]


def test_relu_networks_are_read_directly():
    network = read(build(L, 1.0, activation="relu").model)
    network.require_piecewise_linear()
    assert network.units == build(L, 1.0, activation="relu").unit_count


SINGLE = {
    "box": (Box(low=(0, 0), high=(2, 1)), 40.0, None),
    "L": (L, 40.0, 0.15),
    "frame": (FRAME, 25.0, 0.25),
    "star": (STAR, 60.0, None),
    "union": ([L, Box(low=(3, 3), high=(4, 5)), HalfSpaces([[1, 0]], [-3])], 40.0, 0.2),
    "cube": (Box(low=(0, 0, 0), high=(1, 1, 1)), 40.0, None),
    "interval": (Box(low=(0,), high=(1,)), 40.0, None),
    "half-space": (HalfSpaces([[1, 2]], [1]), 10.0, None),
}


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("name", SINGLE)
def test_certificate_holds_at_random_points(name, activation):
    shape, scale, margin = SINGLE[name]
    built = build(shape, scale, activation=activation, margin=margin)
    x = np.random.default_rng(0).uniform(built.low - 1, built.high + 1, (20_000, built.dimension))
    logit = built.model(torch.from_numpy(x))[:, 0].detach().numpy()
    for edge in (built.margin, 1.5 * built.margin):
        promise, truth = built.certificate(edge), built.promised(x, edge)
        assert promise.right
        assert promise.confidence >= sigmoid(scale * built.margin) * (1 - 1e-12)
        assert ((logit > 0) == (truth == 1))[truth >= 0].all()
        right = 1 / (1 + np.exp(np.where(truth == 1, -logit, logit)))
        assert right[truth >= 0].min() >= promise.confidence - 1e-12
        assert {0, 1} <= set(truth.tolist())


def test_sigmoid_region_of_a_convex_shape_lies_inside_it():
    built = build(Box(low=(0, 0), high=(1, 1)), 12.0)
    x = np.random.default_rng(0).uniform(-0.2, 1.2, (20_000, 2))
    named = built.model(torch.from_numpy(x))[:, 0].detach().numpy() > 0
    assert named.sum() > 1000
    assert (built.depth(x)[named] > 0).all()


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("rest", ["nothing", None])
def test_classes(activation, rest):
    shapes = {"L": L, "star": [Polygon(STAR.vertices + np.array([8, 0]))], "box": Box(low=(3, 3), high=(4, 4))}
    built = build(shapes, 40.0, activation=activation, rest=rest)
    outputs = 4 if rest else 3
    assert built.names == ("L", "star", "box", "nothing")[:outputs]
    assert built.model(torch.zeros(1, 2, dtype=torch.float64)).shape == (1, outputs)
    x = np.random.default_rng(0).uniform(built.low - 1, built.high + 1, (20_000, 2))
    logits = built.model(torch.from_numpy(x)).detach()
    truth, promise = built.promised(x), built.certificate()
    clear = truth >= 0
    assert promise.right
    assert sorted(set(truth[clear].tolist())) == list(range(outputs))
    np.testing.assert_array_equal(logits.argmax(1).numpy()[clear], truth[clear])
    named = logits.softmax(1).numpy()[np.arange(len(x)), truth]
    assert named[clear].min() >= promise.confidence - 1e-12


def test_exact_areas_of_several_classes():
    built = build({"L": L, "box": Box(low=(3, 3), high=(4, 4))}, 1.0, activation="relu", rest="nothing")
    found = boundary(built.model, WINDOW)
    assert found.class_areas == pytest.approx([3, 1, 121 - 4])
    assert found.class_components.tolist() == [1, 1, 1]


def test_points_in_two_classes_are_not_promised():
    built = build({"a": Box(low=(0,), high=(2,)), "b": Box(low=(1,), high=(3,))}, 1.0, activation="relu", margin=0.1)
    assert built.promised(np.array([[0.5], [1.5], [2.5], [4.0]])).tolist() == [0, -1, 1, -1]


def test_certificate_of_relu_knows_the_cut():
    built = build(Box(low=(0,), high=(1,)), 2.0, activation="relu")
    far = built.certificate(100.0)
    assert (far.inside[0], far.outside[0]) == (200.0, 16.0)
    assert built.model(torch.tensor([[-500.0]], dtype=torch.float64)).item() == -16.0


def test_steep_networks_do_not_overflow():
    built = build(L, 1e4, margin=0.4)
    assert built.certificate().confidence == 1.0
    assert built.verify(points=500).holds


def test_default_margin_follows_from_the_widest_gate():
    built = build(Box(low=(0,) * 8, high=(1,) * 8), 100.0)
    assert built.margin == pytest.approx(log(63) / 100)
    assert build(Box(low=(0,), high=(1,)), 10.0).margin == pytest.approx(log(19) / 10)


def test_regular_polygons_inscribe_and_circumscribe():
    """The decision region of 2n faces around a circle has the area of the polygon, n tan(π/n)."""
    from inscape.testing import ball

    found = boundary(build(ball([0.0, 0.0], 1.0, faces=16), 1.0, activation="relu").model, WINDOW)
    assert found.class_areas[1] == pytest.approx(16 * tan(pi / 16), rel=1e-12)


@pytest.mark.parametrize(
    ("shapes", "scale", "options", "text"),
    [
        (L, 0.0, {}, "scale > 0"),
        (L, float("nan"), {}, "scale > 0"),
        (L, 10.0, {"margin": -1.0}, "margin > 0"),
        (L, 10.0, {"margin": 0.1}, r"scale > ln\(2·5 − 1\) / margin = 21.9722"),
        (L, 10.0, {"rest": "x"}, "needs a mapping"),
        ({"a": L}, 10.0, {}, "two classes or more"),
        ({"a": L}, 10.0, {"rest": "a"}, "name of its own"),
        ([], 10.0, {}, "at least one shape"),
    ],
)
def test_refusals(shapes, scale, options, text):
    with pytest.raises(InputError, match=text):
        build(shapes, scale, **options)


def test_wrong_kinds_are_named():
    with pytest.raises(InputTypeError, match="expected shapes: Polygon"):
        build([(0, 0), (1, 0), (0, 1)], 1.0)
    with pytest.raises(InputError, match="'sigmoid' or 'relu'"):
        inspect.unwrap(build)(L, 1.0, activation="tanh")
    built = build(L, 1.0, activation="relu")
    with pytest.raises(InputError, match=r"points \(n, 2\)"):
        built.depth(np.zeros((3, 4)))
    with pytest.raises(InputError, match="margin > 0"):
        built.certificate(0.0)


def test_the_answer_is_a_result(tmp_path):
    built = build({"L": L, "frame": FRAME}, 30.0, rest="nothing")
    again = load(built.save(tmp_path / "built.npz"))
    x = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 4
    assert torch.equal(again.model(x), built.model(x))
    assert again.formulas == built.formulas
    assert again.facts() == built.facts()
    assert built.status.verdict is Verdict.CERTIFIED
    assert len(built.columns()["offset"]) == 14
    assert "Dobkin" in built.cite()
    assert built.info().values.min() >= 1 / 3
    with pytest.raises(InputError, match="no map"):
        build(Box(low=(0,), high=(1,)), 9.0).info()
