"""Advice on nets whose units are planted far into saturation."""

import inspect

import numpy as np
import pytest
import torch
from torch import nn

import inscape
from inscape import data, runs, training
from inscape._errors import InputError, InputTypeError
from inscape.gradients import advise
from inscape.gradients._effective import effective_sizes
from inscape.gradients._trial import trial
from inscape.results import Verdict
from inscape.testing import unchanged

RECIPE = training.Recipe(learning_rate=3e-2, optimizer="adamw", batch_size=10)


def moons():
    x, y = data.load("moons", n=150)
    return (x[:100], y[:100]), (x[100:], y[100:])


def saturated(scale=8.0):
    model = training.mlp([2, 16, 16, 2], activation="tanh")
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(scale)
    return model


@pytest.fixture(scope="module")
def found():
    train, test = moons()
    model = saturated()
    with unchanged(model):
        return advise(model, train, recipe=RECIPE, epochs=12, needed=20, test=test)


def test_the_weight_decay_keeps_the_limit_and_the_one_before_does_not(found):
    assert found.status.verdict is Verdict.MEASURED
    assert found.unsupported[0] > 0.2
    at = found.chosen
    assert found.unsupported[at] <= 0.05 < found.unsupported[at - 1]
    assert found.weight_decays[at] == found.weight_decay
    assert found.weight_decays[at] / found.weight_decays[at - 1] == pytest.approx(10 ** (1 / 16))
    assert len(found.weight_decays) == 1 + 7 + 4
    assert found.loss[-1] > found.loss[0]


def test_each_point_is_a_fit_of_its_own(found):
    train, test = moons()
    recipe = training.Recipe(learning_rate=3e-2, optimizer="adamw", batch_size=10, weight_decay=0.1)
    done = training.fit(saturated(), train, epochs=12, recipe=recipe)
    at = int(np.argmin(np.abs(found.weight_decays - 0.1)))
    sizes = np.concatenate(list(effective_sizes(done.model, train).values()))
    assert found.unsupported[at] == (sizes < 20).mean()
    assert found.accuracy[at] == training.accuracy(done.model, train)
    assert found.test_accuracy[at] == training.accuracy(done.model, test)
    outputs = done.model(test[0]).detach().double()
    nll = nn.functional.cross_entropy(outputs, test[1])
    best = nn.functional.cross_entropy(outputs / found.temperature[at], test[1])
    np.testing.assert_allclose([found.nll_before[at], found.nll_after[at]], [nll, best], rtol=1e-6)


def test_a_net_that_needs_none_is_told_so():
    train, _ = moons()
    seen = advise(training.mlp([2, 8, 2], activation="tanh"), train, epochs=1, needed=5)
    assert seen.weight_decay == 0
    assert "no weight decay is needed" in str(seen.status)
    assert np.isnan(seen.test_loss).all()
    assert len(seen.weight_decays) == 8
    with pytest.raises(InputError, match="was not measured"):
        seen.info(which="temperature")


def test_a_limit_out_of_reach_is_told():
    train, _ = moons()
    seen = advise(saturated(), train, epochs=1, needed=1000)
    assert seen.status.verdict is Verdict.LIMIT
    assert np.isnan(seen.weight_decay)
    assert "the least is 100.0%" in seen.status.detail


def test_a_run_that_diverges_is_a_gap_in_the_curve():
    train, _ = moons()
    shared = {
        "model": training.mlp([2, 8, 2]), "data": train, "test": None, "classes": False, "epochs": 2, "needed": 20.0,
        "recipe": training.Recipe(learning_rate=1e38, optimizer="sgd"),
    }  # fmt: skip
    assert np.isnan(trial(0.0, shared)).all()


def test_batches_and_targets_that_are_no_classes():
    (x, y), (x_test, y_test) = moons()
    model = training.mlp([2, 8, 1])
    pair = (x, y.float()), (x_test, y_test.float())
    batched = [(x[i : i + 25], y[i : i + 25].float()) for i in range(0, 100, 25)]
    seen = advise(model, batched, epochs=1, test=pair[1], needed=5, allowed=0.5)
    assert np.isfinite(seen.test_loss).all()
    assert np.isnan(seen.temperature).all()
    assert np.isnan(seen.accuracy).all()


def test_a_ledger_computes_nothing_twice(tmp_path):
    train, _ = moons()
    ledger = tmp_path / "ledger.sqlite"
    first = advise(saturated(), train, epochs=1, needed=20, ledger=ledger)
    again = advise(saturated(), train, epochs=1, needed=20, ledger=ledger)
    np.testing.assert_array_equal(first.unsupported, again.unsupported)
    (run,) = runs.list_runs(ledger)
    assert len(list(runs.outcomes(ledger, run=run.number))) == len(first.weight_decays)


def test_file_table_and_figures(found, tmp_path):
    again = inscape.load(found.save(tmp_path / "advice.npz"))
    assert again.summary() == found.summary()
    assert "temperature" in found.summary()
    assert "Guo" in found.cite()
    assert len(found.to_dataframe()) == len(found.weight_decays)
    info = found.info()
    assert [series.name for series in info.series] == ["after training", "after training, no weight decay", "allowed"]
    np.testing.assert_array_equal(info.series[0].y, found.unsupported[1:])
    for which in ("loss", "accuracy", "temperature", "error"):
        assert found.info(which=which).logx
    with pytest.raises(InputError, match="expected which to be one of"):
        found.info(which="colour")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"epochs": 0}, InputError, "epochs ≥ 1"),
        ({"needed": 0.0}, InputError, "needed > 0"),
        ({"allowed": 1.0}, InputError, "0 ≤ allowed < 1"),
        ({"recipe": training.Recipe(optimizer=torch.optim.Adam)}, InputError, "name one"),
        ({"model": "net"}, InputTypeError, "got str"),
    ],
)
def test_options_are_checked(options, error, message):
    given = {"model": saturated(), "data": moons()[0]} | options
    with pytest.raises(error, match=message):
        inspect.unwrap(advise)(given.pop("model"), given.pop("data"), **given)
