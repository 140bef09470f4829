"""The loop: against a loop written out by hand, untouched models and random states, bad input, divergence."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from inscape import data
from inscape._errors import DataError, InputError, InscapeWarning, ModelError
from inscape.results import Verdict
from inscape.training import Recipe, accuracy, fit, mlp

X, Y = data.load("moons", n=90)
PAIR = (X, Y)


def same_state(first, second):
    a, b = first.state_dict(), second.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def noisy_net():
    return nn.Sequential(*list(mlp([2, 16, 8])), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), *list(mlp([8, 2])))


def test_fit_is_the_plain_loop():
    """The order is a generator's permutation, the loss cross-entropy, the step Adam's: nothing else happens."""
    model = mlp([2, 8, 2])
    done = fit(model, PAIR, epochs=3, recipe=Recipe(batch_size=20, learning_rate=0.01, rng=5), test=PAIR)
    other = copy.deepcopy(model)
    optimizer = torch.optim.Adam(other.parameters(), lr=0.01)
    order = torch.Generator().manual_seed(5)
    losses, test_losses = [], []
    for _ in range(3):
        total = 0.0
        for rows in torch.randperm(90, generator=order).split(20):
            loss = nn.functional.cross_entropy(other(X[rows]), Y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        losses.append(total / 90)
        with torch.no_grad():
            test_losses.append(nn.functional.cross_entropy(other(X), Y).item())
    assert same_state(done.model, other)
    np.testing.assert_allclose(done.history.loss, losses, rtol=1e-12)
    np.testing.assert_allclose(done.history.test_loss, test_losses, rtol=1e-6)
    hits = (other(X).argmax(1) == Y).float().mean().item()
    assert done.history.test_accuracy[-1] == pytest.approx(hits)
    assert accuracy(done.model, PAIR) == pytest.approx(hits)
    assert done.history.steps == 15
    assert done.status.verdict is Verdict.MEASURED
    assert not done.model.training


def test_given_model_and_random_states_are_untouched():
    model = noisy_net()
    model[2].eval()
    model[0].weight.grad = torch.ones_like(model[0].weight)
    before = copy.deepcopy(model)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    done = fit(model, PAIR, epochs=2, test=PAIR)
    assert same_state(model, before)
    assert not same_state(model, done.model)
    assert [m.training for m in model.modules()] == [m.training for m in before.modules()]
    assert torch.equal(model[0].weight.grad, torch.ones_like(model[0].weight))
    assert all(p.grad is None for p in done.model.parameters())
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


def test_in_place_trains_the_given_model():
    model = noisy_net()
    reference = fit(copy.deepcopy(model), PAIR, epochs=2)
    done = fit(model, PAIR, epochs=2, recipe=Recipe(in_place=True))
    assert done.model is model
    assert same_state(model, reference.model)


def test_seed_decides_and_the_callers_seed_does_not():
    model = noisy_net()
    torch.manual_seed(1)
    first = fit(model, PAIR, epochs=2, recipe=Recipe(rng=1))
    torch.manual_seed(2)
    second = fit(model, PAIR, epochs=2, recipe=Recipe(rng=1))
    other = fit(model, PAIR, epochs=2, recipe=Recipe(rng=2))
    assert same_state(first.model, second.model)
    assert np.array_equal(first.history.loss, second.history.loss)
    assert not same_state(first.model, other.model)


@pytest.mark.parametrize(
    "source",
    [
        (X.numpy(), Y.numpy()),
        [(X[:50], Y[:50]), (X[50:], Y[50:])],
        DataLoader(TensorDataset(X, Y), batch_size=30, shuffle=True),
        TensorDataset(X, Y),
        (X.double(), Y.to(torch.uint8)),
    ],
    ids=["numpy", "batches", "loader", "dataset", "types"],
)
def test_every_form_of_data_trains(source):
    state = torch.get_rng_state()
    runs = [fit(mlp([2, 8, 2]), source, epochs=4, recipe=Recipe(learning_rate=0.02), test=source) for _ in range(2)]
    assert same_state(runs[0].model, runs[1].model)
    assert runs[0].history.loss[-1] < runs[0].history.loss[0]
    assert torch.equal(torch.get_rng_state(), state)


def test_targets_with_a_loss_of_ones_own():
    x = torch.linspace(-1, 1, 64)[:, None]
    done = fit(
        mlp([1, 16, 1]),
        (x, 2 * x),
        epochs=200,
        recipe=Recipe(loss=nn.functional.mse_loss, batch_size=32, learning_rate=0.02, scheduler="cosine"),
        test=(x, 2 * x),
    )
    assert done.history.test_loss[-1] < 0.01
    assert np.isnan(done.history.accuracy).all()
    assert done.history.learning_rate[0] == pytest.approx(0.02)
    assert done.history.learning_rate[-1] < 1e-4


@pytest.mark.parametrize("shape", [(64,), (64, 1)])
def test_targets_without_a_loss_have_squared_error(shape):
    x = torch.linspace(-1, 1, 64)[:, None]
    y = (3 * x).reshape(shape)
    done = fit(mlp([1, 8, 1]), (x, y), epochs=1, test=(x, y))
    expected = ((done.model(x).detach().reshape(shape) - y) ** 2).mean().item()
    assert done.history.test_loss[0] == pytest.approx(expected, rel=1e-6)


def test_moons_are_learnt():
    x, y = data.load("moons", n=400)
    train, held_out = data.split(x, y)
    done = fit(mlp([2, 16, 16, 2]), train, epochs=30, recipe=Recipe(learning_rate=0.01, batch_size=32), test=held_out)
    assert accuracy(done.model, held_out) > 0.97


@pytest.mark.parametrize(
    "optimizer", ["adam", "adamw", "sgd", lambda parameters: torch.optim.RMSprop(parameters, lr=0.01)]
)
@pytest.mark.parametrize(
    "scheduler",
    [
        None,
        "cosine",
        lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5),
        lambda optimizer: torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0),
    ],
)
def test_optimizers_and_schedulers(optimizer, scheduler):
    recipe = Recipe(optimizer=optimizer, learning_rate=0.01, scheduler=scheduler, weight_decay=1e-4)
    done = fit(mlp([2, 8, 2]), PAIR, epochs=6, recipe=recipe)
    assert done.history.loss[-1] < done.history.loss[0]
    assert done.history.learning_rate[0] == pytest.approx(0.01)


def test_dense_labels_are_classified_by_position():
    x = torch.rand(12, 1, 4, 4)
    y = (x[:, 0] > 0.5).long()
    done = fit(nn.Conv2d(1, 2, 1), (x, y), epochs=60, recipe=Recipe(batch_size=4, learning_rate=0.1))
    assert accuracy(done.model, (x, y)) > 0.9


def test_frozen_parameters_stay():
    model = mlp([2, 8, 2])
    model[0].requires_grad_(False)
    done = fit(model, PAIR, epochs=1)
    assert torch.equal(done.model[0].weight, model[0].weight)
    assert not torch.equal(done.model[2].weight, model[2].weight)
    assert not done.model[0].weight.requires_grad


def test_single_sample_left_over_meets_batch_statistics():
    done = fit(noisy_net(), (X[:65], Y[:65]), epochs=1, recipe=Recipe(batch_size=64))
    assert done.history.steps == 1


@pytest.mark.parametrize("where", ["start", "later"])
def test_divergence_is_a_status_and_a_warning(where, tmp_path):
    rate = 1e30 if where == "later" else 1e-3
    model = mlp([2, 8, 2])
    if where == "start":
        with torch.no_grad():
            model[0].weight[0, 0] = float("nan")
    with pytest.warns(InscapeWarning, match="training stopped: .* became"):
        done = fit(model, PAIR, epochs=5, recipe=Recipe(optimizer="sgd", learning_rate=rate), checkpoint=tmp_path / "c")
    assert done.status.verdict is Verdict.DEGENERATE
    assert "lower the learning rate" in done.status.detail
    assert done.history.epochs < 5
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ((X[:0], Y[:0]), "empty"),
        ((X, torch.zeros_like(Y)), "all 90 samples are of class 0"),
        ([(X, torch.ones_like(Y))], "all samples are of class 1"),
        ((X, Y[:5]), "first axes"),
        ((torch.full_like(X, float("nan")), Y), "NaN"),
        ((X, Y.float()), "write y.long"),
        ((X, Y * 5), "labels run from 0 to 5, but the model scores 2 classes"),
        ((X, Y - 1), "≥ 0"),
        ((X, torch.stack([Y, Y], 1)), "one score per class"),
        ([], "no batch"),
        (iter([(X, Y)]), "once only"),
    ],
)
def test_bad_data_are_named(source, words):
    model = mlp([2, 4, 2])
    before = copy.deepcopy(model)
    with pytest.raises(DataError, match=words):
        fit(model, source, epochs=2)
    assert same_state(model, before)


def test_one_shot_iterator_serves_one_epoch():
    done = fit(mlp([2, 4, 2]), iter([(X, Y)]), epochs=1)
    assert done.history.epochs == 1


class _Uncopyable(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.kept = self.layer.weight * 2  # not a leaf: torch refuses to copy it

    def forward(self, x):
        return self.layer(x)


class _Detached(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x).detach()


class _Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x), x


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (mlp([3, 2]), r"cannot process a batch of shape \(64, 2\)"),
        (nn.Identity(), "nothing to train"),
        (mlp([2, 2]).requires_grad_(False), "nothing to train"),
        (_Uncopyable(), "in_place=True"),
        (_Detached(), "does not depend"),
        (_Pair(), "returned tuple"),
        (nn.Sequential(nn.Linear(2, 2), nn.Flatten(0)), "one row for each of 64 samples"),
    ],
)
def test_bad_models_are_named(model, words):
    with pytest.raises(ModelError, match=words):
        fit(model, PAIR, epochs=1)


def test_lazy_layers_are_named():
    model = nn.Sequential(nn.LazyLinear(2))
    with pytest.raises(ModelError, match="run one batch"):
        fit(model, PAIR, epochs=1)


@pytest.mark.parametrize(
    ("recipe", "error", "words"),
    [
        (Recipe(loss=lambda output, y: (output[:, 0] - y) ** 2), ModelError, "add .mean"),
        (Recipe(loss=lambda output, y: output @ torch.zeros(7, 7)), DataError, "the loss fails"),
        (Recipe(optimizer=torch.optim.LBFGS), InputError, "LBFGS"),
        (Recipe(optimizer=lambda parameters: None), InputError, "it returned NoneType"),
        (Recipe(scheduler=lambda optimizer: 3), InputError, "got int"),
    ],
)
def test_bad_functions_of_the_recipe_are_named(recipe, error, words):
    with pytest.raises(error, match=words):
        fit(mlp([2, 4, 2]), PAIR, epochs=1, recipe=recipe)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": float("inf")}, "learning_rate"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"optimizer": "lion"}, "adam, adamw, sgd"),
        ({"scheduler": "linear"}, "cosine"),
        ({"rng": -1}, "rng=-1|got -1"),
    ],
)
def test_impossible_recipes(options, words):
    with pytest.raises(InputError, match=words):
        Recipe(**options)


def test_epochs_are_counted_from_one():
    with pytest.raises(InputError, match="epochs ≥ 1, got 0"):
        fit(mlp([2, 2]), PAIR, epochs=0)


class _Meter:
    def __init__(self):
        self.done, self.total, self.stopped = 0.0, None, False

    def start(self, description, total):
        self.total = total

    def advance(self, amount):
        self.done += amount

    def stop(self):
        self.stopped = True


@pytest.mark.parametrize("source", [PAIR, [(X, Y)]])
def test_progress_adds_up(source):
    bar = _Meter()
    fit(mlp([2, 4, 2]), source, epochs=3, progress=bar)
    assert (bar.total, bar.stopped) == (3, True)
    assert bar.done == pytest.approx(3)
