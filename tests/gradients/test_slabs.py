"""Slabs of units: planted units with closed forms, equal networks in other clothes, every kind of model."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from inscape import load
from inscape._errors import DataError, InputError, ModelError
from inscape.gradients import UnitSlabs, slabs
from inscape.maps import transition_halfwidth
from inscape.plotting import Table, render
from inscape.testing import unchanged

COLUMNS = [field.name for field in fields(UnitSlabs) if field.name not in {"layers", "status", "provenance"}]
QUANTILES = torch.from_numpy(norm.ppf((np.arange(4001) + 0.5) / 4001))[:, None]


def unit(weight, bias, activation, dtype=torch.float64):
    made = nn.Sequential(nn.Linear(len(weight[0]), len(weight)), activation).to(dtype)
    made[0].weight.data[:], made[0].bias.data[:] = torch.tensor(weight, dtype=dtype), torch.tensor(bias, dtype=dtype)
    return made


def labelled(x):
    return x, torch.zeros(len(x))


def same(one, other, names=COLUMNS, rtol=1e-9):
    for name in names:
        first, second = getattr(one, name), getattr(other, name)
        if isinstance(first, np.ndarray):
            np.testing.assert_allclose(first.astype(float), second.astype(float), rtol=rtol, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(("activation", "name"), [(nn.Sigmoid(), "sigmoid"), (nn.Tanh(), "tanh")])
@settings(max_examples=20)
@given(weight=st.floats(0.1, 40.0), bias=st.floats(-5.0, 5.0), delta=st.floats(0.05, 0.95))
def test_planted_units_have_gaussian_occupancy(activation, name, weight, bias, delta):
    found = slabs(unit([[weight]], [bias], activation), labelled(QUANTILES), delta=delta)
    half = transition_halfwidth(name, delta)
    borders = norm.cdf((np.array([-half, half]) - bias) / weight)
    assert found.low[0] == pytest.approx(borders[0], abs=1 / 4001)
    assert found.occupancy[0] == pytest.approx(borders[1] - borders[0], abs=2 / 4001)
    assert found.low[0] + found.occupancy[0] + found.high[0] == pytest.approx(1.0, abs=1e-12)
    assert found.deviation[0] == pytest.approx(weight * float(QUANTILES.std(correction=0)), rel=1e-9)
    assert found.mean[0] == pytest.approx(bias, abs=1e-9 * weight)
    assert found.kappa[0] == pytest.approx(found.deviation[0] / half, rel=1e-9)


def test_geometry_of_a_planted_unit():
    model = unit([[3.0, 4.0], [0.0, -2.0]], [10.0, 1.0], nn.Tanh())
    x = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = slabs(model, labelled(x), delta=0.25)
    half = np.arccosh(2.0)
    np.testing.assert_allclose(found.norm, [5.0, 2.0])
    np.testing.assert_allclose(found.steepness, [5.0, 2.0])
    np.testing.assert_allclose(found.offset, [-2.0, -0.5])
    np.testing.assert_allclose(found.thickness, [2 * half / 5, half])
    projections = x.numpy() @ np.array([[0.6, 0.8], [0.0, -1.0]]).T
    np.testing.assert_allclose(found.spread, projections.std(0))
    np.testing.assert_allclose(found.halfwidth, half)


@settings(max_examples=15)
@given(factor=st.sampled_from([2.0**k for k in range(-20, 21)]))
def test_the_unit_of_the_input_does_not_matter(factor):
    torch.manual_seed(0)
    x, model = torch.randn(40, 3), nn.Sequential(nn.Linear(3, 5), nn.Sigmoid(), nn.Linear(5, 2), nn.ReLU())
    before = slabs(model, labelled(x))
    model[0].weight.data /= factor
    after = slabs(model, labelled(x * factor))
    names = ["kappa", "occupancy", "kink_distance", "mean", "deviation", "low", "high"]
    same(before, after, names, rtol=0)


def test_a_rectifier_by_hand():
    weight, bias = [[1.0], [1.0], [1.0], [0.0]], [-1.5, 9.0, -9.0, 1.0]
    x = torch.tensor([[0.0], [1.0], [2.0], [3.0], [9.0]], dtype=torch.float64)
    found = slabs(unit(weight, bias, nn.ReLU()), labelled(x))
    assert found.occupancy.tolist() == [0.6, 1.0, 0.0, 1.0]
    assert found.low.tolist() == [0.4, 0.0, 1.0, 0.0]
    assert found.smaller_side.tolist() == [0.4, 0.0, 0.0, 0.0]
    assert found.dead.tolist() == [False, False, True, False]
    assert found.always_on.tolist() == [False, True, False, True]
    assert found.constant.tolist() == [False, False, False, True]
    assert found.kink_distance[0] == pytest.approx(1.5 / np.std([0, 1, 2, 3, 9]))
    assert np.isnan(found.kappa).all()
    assert found.ranking[:2].tolist() == [3, 1]


def test_a_saturated_unit_is_dead_where_its_own_type_says_so():
    x = torch.tensor([[1.0], [2.0]])
    assert slabs(unit([[40.0]], [0.0], nn.Sigmoid(), torch.float32), labelled(x)).dead.tolist() == [True]
    assert slabs(unit([[5.0]], [0.0], nn.Sigmoid(), torch.float32), labelled(x)).dead.tolist() == [False]


def test_a_convolution_is_a_linear_layer_on_its_patches():
    torch.manual_seed(0)
    layer, x = nn.Conv2d(2, 4, 3, stride=2, padding=1).double(), torch.randn(6, 2, 7, 7).double()
    flat = nn.Linear(18, 4).double()
    flat.weight.data[:], flat.bias.data[:] = layer.weight.data.flatten(1), layer.bias.data
    patches = nn.functional.unfold(x, 3, padding=1, stride=2).transpose(1, 2).flatten(0, 1)
    for activation in (nn.Tanh(), nn.ReLU(), nn.GELU()):
        one = slabs(nn.Sequential(layer, activation), labelled(x))
        other = slabs(nn.Sequential(flat, activation), labelled(patches))
        same(one, other)


def test_batch_normalisation_is_folded_in():
    torch.manual_seed(0)
    x = torch.randn(64, 3).double()
    model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Tanh()).double()
    for _ in range(5):
        model(x * 3 + 1)
    nn.init.normal_(model[1].weight)
    nn.init.normal_(model[1].bias)
    model.eval()
    scale = (model[1].weight / (model[1].running_var + model[1].eps).sqrt()).detach()
    signs = np.sign(scale.numpy())
    plain = nn.Sequential(nn.Linear(3, 5), nn.Tanh()).double()
    plain[0].weight.data[:] = model[0].weight.data * scale[:, None]
    plain[0].bias.data[:] = (model[0].bias.data - model[1].running_mean) * scale + model[1].bias.data
    one, other = slabs(model, labelled(x)), slabs(plain, labelled(x))
    same(one, other, [name for name in COLUMNS if name not in {"norm", "offset"}])
    np.testing.assert_allclose(one.norm, model[0].weight.detach().norm(dim=1))
    np.testing.assert_allclose(one.offset, signs * other.offset)  # along w, not along the folded w


def test_other_normalisations_have_a_measured_slope():
    torch.manual_seed(0)
    x = torch.randn(64, 3).double()
    model = nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5), nn.Tanh()).double()
    found = slabs(model, labelled(x), batch_size=10)
    below, above = model[0](x).detach().numpy(), model[:2](x).detach().numpy()
    np.testing.assert_allclose(found.steepness, found.norm * above.std(0) / below.std(0))
    np.testing.assert_allclose(found.spread, below.std(0) / found.norm)
    assert np.isnan(found.offset).all()


def test_batches_do_not_matter_and_may_come_once():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2), nn.ReLU()).double()
    x = torch.randn(50, 3).double()
    whole = slabs(model, labelled(x))
    same(whole, slabs(model, labelled(x), batch_size=7))
    same(whole, slabs(model, ((part, part) for part in x.split(9))))
    assert whole.samples == 50


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.norm = nn.Linear(3, 3), nn.Linear(3, 2), nn.BatchNorm1d(3)

    def forward(self, x):
        h = self.first(x).relu_() + x
        return self.second(torch.relu(self.norm(h)))


def test_a_sum_of_branches_has_units_without_a_weight():
    found = slabs(Branches(), labelled(torch.randn(20, 3)))
    assert found.layers == ("first", "norm")
    assert np.isnan(found.norm).tolist() == [False] * 3 + [True] * 3
    assert np.isnan(found.steepness[3:]).all()
    assert not np.isnan(found.occupancy).any()


@pytest.mark.parametrize(
    ("model", "x", "layers", "units"),
    [
        (
            nn.Sequential(nn.Embedding(9, 8), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)),
            torch.arange(12).reshape(2, 6) % 9,
            ("1.linear1",),
            16,
        ),
        (nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Linear(4, 1)).double(), torch.randn(5, 3), ("0",), 4),
        (nn.Sequential(nn.Linear(3, 4).requires_grad_(False), nn.ELU(), nn.Linear(4, 1)), torch.randn(5, 3), ("0",), 4),
        (nn.Sequential(nn.Conv1d(2, 3, 2), nn.GroupNorm(3, 3), nn.SiLU()), torch.randn(5, 2, 6), ("0",), 3),
    ],
)
def test_models_of_many_kinds_have_their_units(model, x, layers, units):
    with unchanged(model):
        found = slabs(model, labelled(x))
    assert found.layers == layers
    assert found.units == units
    assert not np.isnan(found.norm).any()
    assert ((found.occupancy >= 0) & (found.occupancy <= 1)).all()


def test_a_parametrised_weight_is_the_one_in_use():
    model = nn.Sequential(weight_norm(nn.Linear(3, 4)), nn.Tanh())
    found = slabs(model, labelled(torch.randn(5, 3)))
    np.testing.assert_allclose(found.norm, model[0].weight.detach().norm(dim=1), rtol=1e-6)


def test_what_is_not_fixed_is_said():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))
    x = torch.randn(20, 3)
    assert slabs(model, labelled(x)).status.detail == ""
    said = slabs(model, labelled(x), mode="auto").status.detail
    assert "statistics of the batches in 1" in said
    assert "random draws" not in said  # dropout is off
    assert "random draws in dropout after" in slabs(model, labelled(x), mode="train").status.detail


def test_what_cannot_be_looked_at_is_refused():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    with pytest.raises(InputError, match="0 < delta ≤ 1"):
        slabs(model, labelled(torch.randn(5, 3)), delta=0.0)
    with pytest.raises(ModelError, match="no elementwise activation"):
        slabs(model[:1], labelled(torch.randn(5, 3)))
    with pytest.raises(DataError, match="empty"):
        slabs(model, labelled(torch.zeros(0, 3)))


def test_result_is_a_table_with_figures_and_a_file(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    found = slabs(model, labelled(torch.randn(30, 3)))
    assert {len(column) for column in found.columns().values()} == {10}
    assert found.columns()["layer"].tolist() == ["0"] * 4 + ["2"] * 6
    assert found.info("layers").columns["units"] == (4, 6)
    assert isinstance(found.info("units"), Table)
    curve = found.info("kappa").series[0]
    assert curve.y.tolist() == sorted(found.kappa[:4].tolist(), reverse=True)
    assert len(found.info("occupancy").series) == 2
    render(found.info("kink_distance"))
    with pytest.raises(InputError, match="expected which"):
        found.info("nothing")
    with pytest.raises(InputError, match="no unit has this quantity"):
        slabs(model[:2], labelled(torch.randn(30, 3))).info("kink_distance")
    again = load(found.save(tmp_path / "slabs"))
    same(found, again)
    assert again.layers == found.layers
    assert "vandenberg2016" in found.cite()
    assert "10 behind 2 activations" in found.summary()
