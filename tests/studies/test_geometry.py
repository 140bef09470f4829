"""The study of geometry: its measures against direct calls and closed forms."""

from math import log, sqrt

import numpy as np
import pytest
import torch
from scipy.stats import norm

from inscape import gradients, training
from inscape._errors import InputError
from inscape.data import load, split
from inscape.studies import _geometry_measures as measures
from inscape.studies._geometry import geometry, tasks


def digits():
    (x, y), held_out = split(*load("digits"), test=0.2, rng=0)
    return (x, y), held_out


@pytest.mark.parametrize(
    ("quick", "counts"),
    [
        (True, {"training": 36, "scale": 6, "activation": 15, "initialisation": 36, "depth": 81}),
        (False, {"training": 90, "scale": 10, "activation": 25, "initialisation": 60, "depth": 315}),
    ],
)
def test_tasks_repeat_over_seeds(quick, counts):
    made = tasks(quick=quick)
    assert {part: sum(task["part"] == part for task in made) for part in counts} == counts
    cells = {tuple(sorted((name, str(value)) for name, value in task.items())) for task in made}
    assert len(made) == (3 if quick else 5) * len(cells)


def test_few_samples_take_as_many_steps():
    made = [task for task in tasks(quick=False) if task["part"] == "training"]
    steps = {-(-(task["samples"] or 1438) // 64) * task["epochs"] for task in made}
    assert max(steps) / min(steps) < 1.1


def test_a_part_that_is_not_there_is_named():
    with pytest.raises(InputError, match="there is no part 'none'"):
        geometry(part="none", activation="tanh", depth=1, rng=0)


def test_training_records_what_direct_calls_give():
    found = geometry(part="training", activation="tanh", depth=2, epochs=2, decay=0.1, samples=300, rng=4)
    (x, y), held_out = digits()
    kept = x[:300], y[:300]
    recipe = training.Recipe(optimizer="adamw", learning_rate=1e-2, weight_decay=0.1, rng=4)
    fresh = training.mlp([64, 64, 64, 10], activation="tanh", rng=4)
    done = training.fit(fresh, kept, epochs=2, recipe=recipe, progress=False).model
    for place, model in ((0, fresh), (-1, done)):
        units = gradients.slabs(model, kept, progress=False)
        support = gradients.support(model, kept, progress=False)
        for layer, end in ((0, "first"), (1, "last")):
            mine = units.layer == layer
            assert found[f"kappa_{end}"][place] == pytest.approx(np.median(units.kappa[mine]), rel=1e-5)
            assert found[f"occupancy_{end}"][place] == pytest.approx(np.median(units.occupancy[mine]), rel=1e-5)
            assert found[f"effective_{end}"][place] == pytest.approx(np.median(support.effective[mine]), rel=1e-4)
        assert found["unsupported"][place] == pytest.approx(support.unsupported.mean())
        assert found["accuracy"][place] == training.accuracy(model, held_out)
    assert (found["epochs"], found["samples"]) == ([0, 1, 2], 300)


def test_coherence_is_that_of_single_gradients():
    found = geometry(part="training", activation="relu", depth=1, epochs=1, samples=24, rng=0)
    (x, y), _ = digits()
    model = training.mlp([64, 64, 10], rng=0)
    rows = []
    for i in range(24):
        loss = torch.nn.functional.cross_entropy(model(x[i : i + 1]), y[i : i + 1])
        rows.append([g.flatten() for g in torch.autograd.grad(loss, [model[0].weight, model[2].weight])])
    for name, single in zip(("first", "last"), zip(*rows, strict=True), strict=True):
        stacked = torch.stack(single).double()
        expected = stacked.mean(0).norm() / stacked.norm(dim=1).mean()
        assert found[f"coherence_{name}"][0] == pytest.approx(float(expected), rel=1e-4)
    assert found["kappa_first"] == [None, None]  # a rectifier has a kink


def test_scaling_keeps_hyperplanes_and_thins_slabs():
    found = geometry(part="scale", activation="sigmoid", depth=1, epochs=1, exponents=[-1, 0, 2], rng=3)
    np.testing.assert_allclose(np.array(found["kappa"]) / found["kappa"][1], [0.5, 1, 4], rtol=1e-4)
    np.testing.assert_allclose(np.array(found["asymptote"]) / found["asymptote"][1], [2, 1, 0.25], rtol=1e-4)
    assert found["effective"] == sorted(found["effective"], reverse=True)
    assert len(found["critical"]) == len(measures.LEVELS)
    assert found["critical"] == sorted(found["critical"])


def test_the_share_without_support_is_that_of_critical_scales_below():
    model = measures.network([64, 32, 10], "tanh", start="He", rng=0)
    (x, y), _ = digits()
    kept = x[:200], y[:200]
    quantiles = measures.critical_scales(model, kept)
    factor = float(np.interp(0.3, measures.LEVELS, quantiles))
    with torch.no_grad():
        model[0].weight.mul_(factor)
        model[0].bias.mul_(factor)
    share = gradients.support(model[:2], kept, progress=False).unsupported.mean()
    assert share == pytest.approx(0.3, abs=2 / 32)


@pytest.mark.parametrize("degrees", [1e-4, 30.0, 180.0])
def test_turns_are_angles(degrees):
    before, after = torch.nn.Linear(1, 1).double(), torch.nn.Linear(1, 1).double()
    angle = np.radians(degrees)
    for layer, (w, b), scale in ((before, (1.0, 0.0), 1.0), (after, (np.cos(angle), np.sin(angle)), 5.0)):
        layer.weight.data.fill_(w * scale)
        layer.bias.data.fill_(b * scale)
    assert measures.turns(before, after) == pytest.approx([degrees])


def test_activation_measures_what_direct_calls_give():
    found = geometry(part="activation", activation="gelu", depth=1, epochs=1, rng=2)
    kept, held_out = measures.samples_of("mnist5k")
    assert kept[0].shape == (4000, 784)
    fresh = training.mlp([784, 64, 10], activation="gelu", rng=2)
    budget = gradients.budget(fresh, None, kept, progress=False)
    assert found["change_before"] == pytest.approx(budget.change)
    assert sum(found["gates_before"]) + sum(found["gains_before"]) == pytest.approx(budget.change)
    units = gradients.slabs(fresh, kept, progress=False)
    assert found["occupancy_before"] == [pytest.approx(float(np.median(units.occupancy)))]
    recipe = training.Recipe(optimizer="adamw", learning_rate=3e-3, weight_decay=1e-2, rng=2)
    done = training.fit(fresh, kept, epochs=1, recipe=recipe, progress=False).model
    assert found["accuracy"] == training.accuracy(done, held_out)


def test_scaled_to_the_data_kappa_is_one_half():
    options = {"part": "initialisation", "activation": "tanh", "depth": 2, "epochs": 1, "rng": 0}
    found = geometry(**options, initialisation="rescaled")
    assert found["kappa"] == pytest.approx([0.5, 0.5], rel=1e-6)
    plain = geometry(**options, initialisation="default")
    assert found["outside"][0] == plain["outside"][0]  # weights and biases move together
    assert len(found["accuracy"]) == 2


def test_outside_is_a_side_without_samples():
    model = training.mlp([1, 3, 2], activation="tanh", rng=0)
    model[0].weight.data = torch.tensor([[1.0], [1.0], [-1.0]])
    model[0].bias.data = torch.tensor([0.0, 5.0, -5.0])
    assert measures.outside(model, torch.linspace(-1, 1, 9)[:, None]) == [pytest.approx(2 / 3)]
    relu = training.mlp([64, 64, 64, 10], rng=1)
    kept, _ = digits()
    audit = gradients.audit(relu, kept, progress=False)
    np.testing.assert_allclose(measures.outside(relu, kept[0]), audit.outside)


@pytest.mark.parametrize("start", measures.INITIALISATIONS)
def test_weights_have_the_variance_of_their_initialisation(start):
    """Four standard errors of the variance; its reference gain is ½ ln(n var)."""
    weight = measures.network([300, 300, 10], "tanh", start=start, rng=0)[0].weight.detach().double().flatten()
    variance = float(weight.var())
    expected = {"default": 1 / 900, "Xavier": 1 / 300, "He": 2 / 300}[start]
    assert variance == pytest.approx(expected, rel=4 * sqrt(2 / 300**2))
    assert measures.GAINS[start] == pytest.approx(0.5 * log(300 * expected))
    limit = 3 if start == "default" else norm.ppf(1 - 1e-9) ** 2
    assert float(weight.square().max()) <= limit * expected


def test_depth_is_the_budget_of_the_untrained_network():
    found = geometry(part="depth", activation="sigmoid", depth=3, initialisation="Xavier", rng=7)
    model = measures.network([64, 64, 64, 64, 10], "sigmoid", start="Xavier", rng=7)
    budget = gradients.budget(model, None, digits()[0], progress=False)
    assert found["change"] == pytest.approx(budget.change)
    assert found["gradient"] == pytest.approx(float(budget.log_gradient[0]))
    assert len(found["gates"]) == len(found["gains"]) == 3
    assert found["references"] == pytest.approx([log(0.25)] * 3)
    assert found["gains"][-1] == pytest.approx(float(budget.values[0]))  # the output's weight comes last


def test_same_seed_same_numbers():
    options = {"part": "scale", "activation": "tanh", "depth": 1, "epochs": 1, "exponents": [3]}
    assert geometry(**options, rng=1) == geometry(**options, rng=1)
    assert geometry(**options, rng=1) != geometry(**options, rng=2)
