"""Maps of predictions against closed forms, finite differences and the module itself."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import softmax

import inscape
from inscape._errors import DomainError, InputError, InputTypeError, ModelError
from inscape.geometry import Box, Plane, Segment
from inscape.maps import predict
from inscape.results import Verdict

SQUARE = Box(low=(-1, -1), high=(1, 1))


def points_of(seen):
    columns = seen.columns()
    return np.stack([columns["x"], columns["y"]], axis=1)


def mlp(*tail, inputs=2, outputs=4, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, outputs), *tail).double()


def outputs_at(model, points):
    with torch.no_grad():
        return model(torch.as_tensor(points)).double()


def test_a_linear_model_has_its_closed_forms():
    torch.manual_seed(0)
    model = nn.Linear(5, 3).double()
    plane = Plane.random(np.zeros(5), radius=2, rng=1)
    seen = predict(model, plane, resolution=20)
    weight, bias = model.weight.detach().numpy(), model.bias.detach().numpy()
    x = plane.embed(points_of(seen))
    f = x @ weight.T + bias
    best = f.argmax(1)
    assert (seen.label.ravel() == best).all()
    for name, rows in (("distance", weight), ("plane_distance", weight @ plane.basis.T)):
        expected = [
            min((fx[i] - fx[j]) / np.linalg.norm(rows[i] - rows[j]) for j in range(3) if j != i)
            for fx, i in zip(f, best, strict=True)
        ]
        assert np.allclose(getattr(seen, name).ravel(), expected)
    ranked = np.sort(f, axis=1)
    assert np.allclose(seen.margin.ravel(), ranked[:, -1] - ranked[:, -2])
    assert np.allclose(seen.confidence.ravel(), 1 / np.exp(f - f.max(1, keepdims=True)).sum(1))


def test_distances_of_a_curved_model_equal_finite_differences():
    model = mlp(inputs=3)
    plane = Plane.random(np.zeros(3), radius=1, rng=0)
    seen = predict(model, plane, resolution=6, batch=5)
    step = 1e-6
    for t, label, distance in zip(points_of(seen), seen.label.ravel(), seen.distance.ravel(), strict=True):
        x = plane.embed(t)
        f = outputs_at(model, x)[0].numpy()
        around = outputs_at(model, np.concatenate([x + step * np.eye(3), x - step * np.eye(3)])).numpy()
        slopes = (around[:3] - around[3:]) / (2 * step)
        others = [j for j in range(4) if j != label]
        expected = min((f[label] - f[j]) / np.linalg.norm(slopes[:, label] - slopes[:, j]) for j in others)
        assert distance == pytest.approx(expected, rel=1e-5)


def test_the_distance_within_the_plane_is_never_shorter():
    seen = predict(mlp(inputs=4), Plane.random(np.zeros(4), rng=0), resolution=12)
    assert (seen.plane_distance >= seen.distance * (1 - 1e-12)).all()
    flat = predict(mlp(), SQUARE, resolution=12)
    assert np.allclose(flat.plane_distance, flat.distance)


def test_rivals_only_lengthen_the_distance_and_are_told():
    model = mlp(outputs=6)
    full, two, all_of_them = (predict(model, SQUARE, resolution=16, rivals=rivals) for rivals in (None, 1, 5))
    assert (two.distance >= full.distance).all()
    assert "1 next best" in two.status.detail
    assert np.array_equal(all_of_them.distance, full.distance)
    assert all_of_them.status == full.status


@pytest.mark.parametrize("head", [nn.Softmax(dim=1), nn.LogSoftmax(dim=1)])
def test_a_smooth_head_is_undone_and_not_applied_twice(head):
    bare, headed = mlp(), mlp(head)
    plain, seen = (predict(model, SQUARE, resolution=10) for model in (bare, headed))
    assert seen.head == type(head).__name__
    assert plain.head == ""
    for name in ("label", "confidence", "margin", "distance", "plane_distance"):
        assert np.allclose(getattr(seen, name), getattr(plain, name), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("flat", [False, True])
def test_one_output_is_a_logit(flat):
    tail = (nn.Flatten(0),) if flat else ()
    model = mlp(*tail, outputs=1)
    seen = predict(model, SQUARE, resolution=10)
    f = outputs_at(model, points_of(seen)).ravel().numpy()
    assert seen.names == ("output ≤ 0", "output > 0")
    assert (seen.label.ravel() == (f > 0)).all()
    assert np.allclose(seen.margin.ravel(), np.abs(f))
    assert np.allclose(seen.confidence.ravel(), 1 / (1 + np.exp(-np.abs(f))))
    headed = predict(mlp(nn.Sigmoid(), outputs=1), SQUARE, resolution=10)
    assert headed.head == "Sigmoid"
    assert np.allclose(headed.margin, seen.margin)
    assert np.allclose(headed.distance, seen.distance)


def test_several_sigmoids_keep_their_values():
    model = mlp(nn.Sigmoid())
    seen = predict(model, SQUARE, resolution=8)
    assert np.allclose(seen.confidence.ravel(), outputs_at(model, points_of(seen)).numpy().max(1))


class Unreadable(nn.Module):
    """Python control flow on values, which no capture can follow."""

    def __init__(self, body, *, probabilities):
        super().__init__()
        self.body, self.probabilities = body, probabilities
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        y = self.body(x)
        y = y + 0 if float(y.sum()) > 0 else y - 0
        return softmax(y, dim=1) if self.probabilities else y


@pytest.mark.filterwarnings("ignore")
def test_where_the_model_cannot_be_read_outputs_decide():
    sure, plain = (Unreadable(mlp(), probabilities=flag) for flag in (True, False))
    seen, bare = predict(sure, SQUARE, resolution=6), predict(plain, SQUARE, resolution=6)
    assert (seen.head, bare.head) == ("Softmax", "")
    assert np.allclose(seen.margin, bare.margin)
    assert sure.calls == 0


def test_the_model_and_the_random_state_come_back_as_they_were():
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(12, 3)
    )
    model[0].weight.requires_grad_(False)
    model[5](torch.ones(1, 12)).sum().backward()
    model.train()
    model[5].eval()
    before = copy.deepcopy(model.state_dict())
    gradient, modes = model[5].weight.grad.clone(), [module.training for module in model.modules()]
    asks = [parameter.requires_grad for parameter in model.parameters()]
    torch_state, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    seen = predict(model, Plane.random(np.zeros((1, 4, 4)), rng=0), resolution=8)
    assert seen.status.verdict is Verdict.MEASURED
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(model[5].weight.grad, gradient)
    assert [module.training for module in model.modules()] == modes
    assert [parameter.requires_grad for parameter in model.parameters()] == asks
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert model[0].weight.grad is None


def test_it_works_inside_no_grad():
    with torch.no_grad():
        inside = predict(mlp(), SQUARE, resolution=5)
    assert np.array_equal(inside.distance, predict(mlp(), SQUARE, resolution=5).distance)


def test_flat_models_are_infinitely_far_from_any_boundary():
    model = nn.Linear(2, 3)
    model.weight.data.zero_()
    model.bias.data[:] = torch.tensor([0.0, 1.0, 2.0])
    seen = predict(model, SQUARE, resolution=4)
    assert np.isinf(seen.distance).all()
    assert np.isnan(seen.info("distance").values).all()

    class Constant(nn.Module):
        def forward(self, x):
            return torch.tensor([[1.0, 2.0]]).expand(len(x), 2)

    assert np.isinf(predict(Constant(), SQUARE, resolution=4).distance).all()


def halves(**more):
    """Class 1 on the right quarter of [-1, 1]², which has the area 1."""
    model = nn.Linear(2, 2, bias=True).double()
    model.weight.data[:] = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
    model.bias.data[:] = torch.tensor([0.0, -5.0])
    return predict(model, SQUARE, resolution=40, **more)


def test_areas_and_pieces():
    seen = halves(names=("left", "right"))
    assert seen.window_area == pytest.approx(4)
    assert np.allclose(seen.class_areas, [3, 1])
    assert seen.components.tolist() == [1, 1]
    inside = np.log(9) / 10  # confidence < 0.9 where |x - 0.5| < log(9) / 10
    assert seen.area_below(0.9) == pytest.approx(2 * 2 * inside, abs=0.11)
    assert seen.fraction_below(0.0) == 0.0
    with pytest.raises(InputError, match=r"between 0 and 1, got 1\.5"):
        seen.fraction_below(1.5)


def test_pieces_of_a_class_are_counted_apart():
    class Stripes(nn.Module):
        def forward(self, x):
            wave = torch.cos(6 * torch.pi * x[:, :1] + 0.1)
            return torch.cat([wave, -wave], dim=1)

    seen = predict(Stripes(), Box(low=(0, 0), high=(1, 1)), resolution=60)
    assert seen.components.tolist() == [4, 3]
    assert seen.facts()["pieces"] == 7


def test_slanted_charts_have_the_area_of_input_space():
    plane = Plane(
        origin=np.zeros(3), basis=np.array([[2.0, 0, 0], [1.0, 1, 0]]), low=np.zeros(2), high=np.ones(2), shape=(3,)
    )
    model = nn.Linear(3, 2).double()
    seen = predict(model, plane, resolution=4)
    assert seen.window_area == pytest.approx(2)
    gap = (model.weight[0] - model.weight[1]).detach().numpy()
    assert np.allclose(seen.plane_distance, seen.margin / np.linalg.norm(gap[:2]))


@pytest.mark.parametrize("which", ["label", "confidence", "margin", "distance", "plane_distance"])
def test_figures_carry_the_grid(which):
    seen = halves(names=("left", "right"))
    info = seen.info(which)
    assert info.categorical == (which == "label")
    clipped = np.array_equal(info.values, getattr(seen, which))
    assert clipped
    assert info.names == (("left", "right") if which == "label" else ())
    assert seen.plot(backend="plotly").layout.xaxis.title.text.endswith("(input units)")


def test_unknown_figures_are_named():
    with pytest.raises(InputError, match="got 'entropy'"):
        halves().info("entropy")


def test_files_bring_everything_back(tmp_path):
    seen = predict(mlp(nn.Softmax(dim=1)), Plane.random((0.5, 0.5), rng=0), resolution=8, names="abcd")
    again = inscape.load(seen.save(tmp_path / "map"))
    assert type(again) is type(seen)
    for name in ("label", "confidence", "margin", "distance", "plane_distance"):
        assert np.array_equal(getattr(again, name), getattr(seen, name))
    assert again.names == ("a", "b", "c", "d")
    assert (again.head, again.status, again.provenance) == (seen.head, seen.status, seen.provenance)
    assert np.array_equal(again.domain.basis, seen.domain.basis)
    assert again.facts() == seen.facts()
    assert repr(again).startswith("PredictionMap(window=2 × 2 input units")
    assert "vandenberg" in again.cite()


def test_tables_have_a_row_for_every_point():
    frame = halves().to_dataframe()
    assert len(frame) == 1600
    assert frame.loc[frame.x > 0.5, "label"].eq(1).all()


class Wrong(nn.Module):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, x):
        return self.answer(x)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: x * float("nan"), "NaN or infinity"),
        (lambda x: (x, x), "one tensor, got tuple"),
        (lambda x: x[None], r"\(n, classes\) for n = 64 samples, got \(1, 64, 2\)"),
        (lambda x: x[:3], r"got \(3, 2\)"),
        (lambda x: x[:, :0], r"got \(64, 0\)"),
        (lambda x: x.reshape(7, 7), r"does not take samples of shape \(2,\)"),
    ],
)
def test_outputs_that_are_no_scores_are_refused(answer, message):
    with pytest.raises(ModelError, match=message):
        predict(Wrong(answer), SQUARE, resolution=4)


def test_arguments_that_do_not_fit_are_refused():
    model = nn.Linear(2, 2)
    with pytest.raises(ModelError, match=r"does not take samples of shape \(3,\)"):
        predict(model, Plane.random(np.zeros(3), rng=0))
    with pytest.raises(DomainError, match="Box of dimension 3"):
        predict(model, Box(low=(0, 0, 0), high=(1, 1, 1)))
    for more in ({"resolution": 1}, {"batch": 0}, {"rivals": 0}):
        with pytest.raises(InputError, match="resolution ≥ 2, batch ≥ 1 and rivals ≥ 1"):
            predict(model, SQUARE, **more)
    with pytest.raises(InputError, match="expected 2 names of classes, got 3"):
        predict(model, SQUARE, names="abc")


def test_wrong_types_are_named():
    from inspect import unwrap

    from inscape.maps._evaluate import home_of

    with pytest.raises(DomainError, match="got Segment of dimension 1"):
        unwrap(predict)(nn.Linear(2, 2), Segment((0, 0), (1, 1)))
    with pytest.raises(InputTypeError, match=r"torch\.nn\.Module, got int"):
        unwrap(home_of)(3)


def test_the_meter_reaches_the_end():
    class Count:
        total = done = 0.0

        def start(self, description, total):
            self.total = total

        def advance(self, amount):
            self.done += amount

        def stop(self):
            self.stopped = True

    count = Count()
    predict(nn.Linear(2, 2), SQUARE, resolution=9, batch=10, progress=count)
    assert count.done == count.total == 81
    assert count.stopped
