"""Support of units: counts by hand, the formula written out, samples too large to keep."""

import numpy as np
import pytest
import torch
from torch import nn

from inscape import load
from inscape._errors import InputError
from inscape.gradients import slabs, support
from inscape.plotting import render
from inscape.testing import unchanged


def unit(weight, bias, activation):
    made = nn.Sequential(nn.Linear(1, 1), activation).double()
    made[0].weight.data[:], made[0].bias.data[:] = weight, bias
    return made


def normal(count):
    return torch.randn(count, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def labelled(x):
    return x, torch.zeros(len(x))


def test_a_rectifier_is_held_by_its_active_samples():
    x = torch.arange(10.0).reshape(10, 1)
    found = support(unit(1.0, -6.5, nn.ReLU()), labelled(x), needed=3)
    assert found.effective[0] == pytest.approx(3.0)
    assert found.participants.tolist() == [3.0]
    assert found.unsupported.tolist() == [False]
    assert found.critical.tolist() == [np.inf]
    found = support(unit(1.0, -6.5, nn.ReLU()), labelled(x), needed=4)
    assert found.unsupported.tolist() == [True]
    assert found.critical.tolist() == [0.0]
    assert np.isnan(support(unit(1.0, -6.5, nn.ReLU()), labelled(x), needed=11).critical).all()
    dead = support(unit(1.0, -20.0, nn.ReLU()), labelled(x))
    assert dead.effective.tolist() == [0.0]


@pytest.mark.parametrize(("activation", "steep"), [(nn.Sigmoid(), 0.5), (nn.Tanh(), 1.0)])
def test_the_number_is_the_formula(activation, steep):
    x = normal(300)
    found = support(unit(3.0, 1.0, activation), labelled(x), batch_size=70, delta=0.25)
    weights = 1 / np.cosh(steep * (3 * x.numpy()[:, 0] + 1)) ** 2
    assert found.effective[0] == pytest.approx(weights.sum() ** 2 / np.square(weights).sum(), rel=1e-9)
    assert found.participants[0] == (weights >= 0.25).sum()
    assert found.occupancy[0] == pytest.approx((weights >= 0.25).mean())


@pytest.mark.parametrize(("activation", "constant"), [(nn.Sigmoid(), 6.0), (nn.Tanh(), 3.0)])
def test_far_in_saturation_it_follows_the_density(activation, constant):
    found = support(unit(200.0, 0.0, activation), labelled(normal(40000)), most=40000)
    truth = constant * 40000 / (200 * np.sqrt(2 * np.pi))
    assert found.asymptote[0] == pytest.approx(truth, rel=0.05)
    assert found.effective[0] == pytest.approx(truth, rel=0.1)
    assert found.critical[0] == pytest.approx(found.effective[0] / 30, rel=0.5)


def test_at_the_critical_scale_just_enough_samples_are_left():
    x, model = normal(500), unit(2.0, 0.7, nn.Tanh())
    scale = float(support(model, labelled(x), needed=12).critical[0])
    model[0].weight.data *= scale
    model[0].bias.data *= scale
    scaled = support(model, labelled(x), needed=12)
    assert scaled.effective[0] == pytest.approx(12.0, rel=1e-5)
    assert scaled.critical[0] == pytest.approx(1.0, rel=1e-5)


def test_a_hyperplane_outside_the_data_is_held_by_the_nearest_few():
    found = support(unit(400.0, 3000.0, nn.Tanh()), labelled(normal(1000)))
    assert 1.0 <= found.effective[0] < 5.0
    assert found.unsupported.all()
    assert found.critical[0] < 1.0


def test_a_convolution_counts_samples_as_well_as_positions():
    model = nn.Sequential(nn.Conv1d(1, 1, 1), nn.ReLU())
    model[0].weight.data[:], model[0].bias.data[:] = 1.0, -0.5
    x = torch.zeros(4, 1, 5)
    x[0, 0, :3], x[2, 0, 1] = 1.0, 1.0
    found = support(model, labelled(x), needed=2)
    assert found.values.tolist() == [20]
    assert found.effective[0] == pytest.approx(4.0)
    assert found.participants.tolist() == [2.0]


def test_what_is_not_kept_is_said_and_changes_little():
    model, x = unit(8.0, 1.0, nn.Tanh()), normal(6000)
    whole, part = (support(model, labelled(x), most=most) for most in (6000, 1000))
    assert whole.status.detail == ""
    assert "from 1000 values of each unit behind 1 of 1 activations" in part.status.detail
    assert part.effective.tolist() == whole.effective.tolist()
    assert part.density[0] == pytest.approx(whole.density[0], rel=0.15)
    assert part.critical[0] == pytest.approx(whole.critical[0], rel=0.5)
    again = support(model, labelled(x), most=1000, batch_size=333)
    assert again.critical.tolist() == pytest.approx(part.critical.tolist())
    assert support(model, labelled(x), most=1000, rng=1).critical.tolist() != part.critical.tolist()
    assert part.provenance.seed == 0


def test_it_agrees_with_slabs_and_leaves_the_model_alone():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.GELU(), nn.Flatten(), nn.Linear(48, 4), nn.Tanh())
    x = torch.randn(40, 1, 6, 6)
    with unchanged(model):
        found = support(model, labelled(x))
    other = slabs(model, labelled(x))
    assert found.layers == other.layers
    np.testing.assert_allclose(found.kappa, other.kappa)
    np.testing.assert_allclose(found.occupancy, other.occupancy)
    assert np.isnan(found.asymptote[:3]).all()
    assert (found.effective <= found.values).all()
    assert (found.effective > 0).all()


def test_constant_units_have_no_critical_scale():
    found = support(unit(0.0, 0.3, nn.Tanh()), labelled(normal(50)))
    assert np.isnan(found.critical).all()
    assert np.isnan(found.density).all()


@pytest.mark.parametrize("options", [{"needed": 0}, {"needed": 30, "most": 299}])
def test_impossible_counts_are_refused(options):
    with pytest.raises(InputError, match="needed ≥ 1 and most ≥ 10"):
        support(unit(1.0, 0.0, nn.Tanh()), labelled(normal(9)), **options)


def test_result_has_figures_tables_and_a_file(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 6), nn.Sigmoid(), nn.Linear(6, 3), nn.ReLU())
    found = support(model, labelled(normal(200).float()))
    assert {len(column) for column in found.columns().values()} == {13}
    histogram = found.info("histogram")
    assert [int(part.y[::2].sum()) for part in histogram.series[:3]] == [4, 6, 3]
    assert found.info("effective").series[-1].y.tolist() == [30.0, 30.0]
    assert int(np.nansum(found.info("kappa").values)) == 10
    for which in ("effective", "histogram", "critical", "kappa", "layers", "units"):
        render(found.info(which))
    with pytest.raises(InputError, match="expected which"):
        found.info("nothing")
    with pytest.raises(InputError, match="no unit has a κ"):
        support(unit(1.0, 0.0, nn.ReLU()), labelled(normal(40))).info("kappa")
    again = load(found.save(tmp_path / "support"))
    np.testing.assert_array_equal(again.effective, found.effective)
    assert again.needed == 30
    assert "kish1965" in found.cite()
    assert "13 behind 3 activations" in found.summary()
