"""Every kind has the property that it is named after, and nothing else differs from the healthy twin."""

from functools import cache

import pytest
import torch
from torch import nn

from inscape.gradients import Cause
from inscape.testing.faults import KINDS, FaultCase, Net, cases

FACTORS = {"large_weights": 30.0, "small_weights": 0.01, "zero_weights": 0.0}
EVERYWHERE = {"sigmoid_large": 6.0, "tanh_large": 8.0, "small_init": 0.2, "large_init": 4.0}


def some(kind, **wanted):
    """Cases of the suite on digits: four at most, one of each split and family where there is one."""
    chosen = {}
    for case in cases(kind=kind, dataset="digits", **wanted):
        chosen.setdefault((case.split, case.family), case)
    return list(chosen.values())


def named(kinds):
    return [pytest.param(case, id=case.key) for kind in kinds for case in some(kind)]


@cache
def parameters(case):
    return {name: p.detach() for name, p in case.build().named_parameters()}


def pre_activations(case, path):
    """What a module of a flat network gives on the case's data."""
    model, found = case.build(), []
    model.get_submodule(path).register_forward_hook(lambda _m, _x, output: found.append(output.detach()))
    model(case.data()[0])
    return found[0]


@pytest.mark.parametrize("case", named(FACTORS))
def test_one_layer_is_scaled_and_nothing_else(case):
    twin = parameters(case.twin())
    for name, value in parameters(case).items():
        factor = FACTORS[case.kind] if name == f"{case.layer}.weight" else 1.0
        assert torch.equal(value, twin[name] * factor)


@pytest.mark.parametrize("case", named(EVERYWHERE))
def test_every_weight_is_scaled(case):
    net = FaultCase(kind="healthy", net=case.net, seed=case.seed)
    for name, value in parameters(case).items():
        factor = EVERYWHERE[case.kind] if name.endswith("weight") else 1.0
        assert torch.equal(value, parameters(net)[name] * factor)


@pytest.mark.parametrize("case", named(["dead_units"]))
def test_dead_units_have_derivative_zero_on_nearly_all_samples(case):
    z = pre_activations(case, case.layer)
    assert float((z <= 0).double().mean()) >= 0.99
    twin = pre_activations(case.twin(), case.layer)
    assert float((twin <= 0).double().mean()) < 0.9


@pytest.mark.parametrize("case", named(["saturated_units"]))
def test_saturated_units_have_a_tiny_derivative(case):
    slope = 1 - pre_activations(case, case.layer).tanh() ** 2
    assert float(slope.median()) < 1e-2
    assert float((1 - pre_activations(case.twin(), case.layer).tanh() ** 2).median()) > 0.1


@pytest.mark.parametrize("case", named(["detached"]))
def test_the_detached_layer_is_the_last_one_without_gradient(case):
    model, (x, y) = case.build(), case.data()
    case.loss()(model(x), y).backward()
    got = {name: layer.weight.grad is not None for name, layer in model.named_modules() if hasattr(layer, "weight")}
    silent = [name for name, there in got.items() if not there]
    assert silent[-1] == case.layer
    assert list(got)[: len(silent)] == silent
    assert torch.equal(model(x), case.twin().build()(x))


@pytest.mark.parametrize("case", named(["small_norm"]))
def test_one_normalisation_is_scaled(case):
    twin = parameters(case.twin())
    changed = [name for name, value in parameters(case).items() if not torch.equal(value, twin[name])]
    assert changed == [f"{case.layer}.weight"]
    assert torch.equal(parameters(case)[changed[0]], torch.full_like(twin[changed[0]], 0.01))


@pytest.mark.parametrize("case", named(["sigmoid", "sigmoid_large"]))
def test_sigmoids_are_everywhere(case):
    kinds = {type(m) for m in case.build().modules()} - {nn.Sequential, nn.Linear, nn.Conv2d, nn.Flatten}
    assert kinds == {nn.Sigmoid}
    assert case.layer is None


@pytest.mark.parametrize(("kind", "factor"), [("tiny_inputs", 1e-3), ("large_inputs", 255.0)])
def test_inputs_are_scaled(kind, factor):
    for case in some(kind):
        assert torch.equal(case.data()[0], case.twin().data()[0] * factor)
        assert all(torch.equal(a, parameters(case.twin())[name]) for name, a in parameters(case).items())


def test_fitted_means_a_loss_of_one_in_ten_thousand():
    case = next(c for c in some("fitted") if c.family == "mlp")
    x, y = case.data()
    assert len(x) == 64
    with torch.no_grad():
        assert float(case.loss()(case.build()(x), y)) <= 1.5e-4
        assert float(case.loss()(case.twin().build()(x), y)) > 1.0


def test_cancelling_means_that_single_gradients_are_large_and_their_mean_is_nothing():
    case = next(c for c in some("cancelling") if c.family == "mlp")
    model, (x, y) = case.build(), case.data()
    weight = model[-1].weight

    def gradient(rows):
        return torch.autograd.grad(case.loss()(model(x[rows]), y[rows]), weight)[0]

    single = torch.stack([gradient(slice(i, i + 1)).norm() for i in range(40)]).mean()
    assert float(gradient(slice(None)).norm()) < 0.01 * float(single)
    with torch.no_grad():
        assert float(case.loss()(model(x), y)) == pytest.approx(2.302585, abs=1e-3)


def test_default_networks_have_the_label_that_training_gave_them():
    found = {case.cause for case in cases(kind="default")}
    assert found <= {Cause.NONE, Cause.SMALL_INITIALISATION}
    assert all(case.net.init == "default" and len(case.accepted) == 1 for case in cases(kind="default"))


@pytest.mark.parametrize("kind", KINDS)
def test_building_is_deterministic_and_leaves_no_gradient(kind):
    case = FaultCase(
        kind=kind,
        net=Net(depth=3, width=8, activation="relu", init="he", norm="layer" if kind == "small_norm" else ""),
        place=1 if KINDS[kind].where else None,
    )
    state = torch.get_rng_state()
    first, again = case.build(), case.build()
    assert torch.equal(state, torch.get_rng_state())
    pairs = zip(first.parameters(), again.parameters(), strict=True)
    assert all(torch.equal(a, b) and a.grad is None and a.requires_grad for a, b in pairs)
