"""The tracker against loops over samples and whole data, and the training that it must not disturb."""

import copy
import gc

import numpy as np
import pytest
import torch
from torch import nn

from inscape import training
from inscape._errors import InputError, InputTypeError
from inscape.gradients import track
from inscape.gradients._tape import Event
from inscape.testing import unchanged

LOSS = nn.functional.cross_entropy


def problem(n=48, inputs=6, classes=3, seed=0):
    source = torch.Generator().manual_seed(seed)
    x = torch.randn(n, inputs, generator=source)
    return x, torch.randint(classes, (n,), generator=source)


def made(*layers, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(*[layer() for layer in layers])


def small(seed=0):
    return made(
        lambda: nn.Linear(6, 8), nn.Tanh, lambda: nn.Linear(8, 7), lambda: nn.ReLU(inplace=True),
        lambda: nn.Linear(7, 3), seed=seed,
    )  # fmt: skip


class Residual(nn.Module):
    """Images, batch normalisation, a functional activation, and a sum of two branches."""

    def __init__(self, norm=True):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4) if norm else nn.GroupNorm(2, 4)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        h = torch.relu(self.norm(self.first(x)))
        return self.head(nn.functional.gelu(self.second(h) + h).mean((2, 3)))


class Words(nn.Module):
    """Whole-number input, attention, layer normalisation."""

    def __init__(self, batch_first=True):
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=batch_first)
        self.head = nn.Linear(8, 3)
        self.axis = 1 if batch_first else 0

    def forward(self, x):
        h = self.embed(x)
        return self.head(self.layer(h if self.axis else h.transpose(0, 1)).mean(self.axis))


class Parametrised(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.utils.parametrizations.weight_norm(nn.Linear(6, 8))
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(nn.functional.softplus(self.body(x)))


def frozen():
    model = small()
    model[0].requires_grad_(False)
    return model


def tokens():
    return torch.randint(11, (16, 5), generator=torch.Generator().manual_seed(1)), torch.arange(16) % 3


def pictures():
    return torch.randn(16, 1, 6, 6, generator=torch.Generator().manual_seed(2)), torch.arange(16) % 3


MODELS = {
    "mlp": (small, problem),
    "residual": (Residual, pictures),
    "groups": (lambda: Residual(norm=False), pictures),
    "words": (Words, tokens),
    "words second": (lambda: Words(batch_first=False), tokens),
    "parametrised": (Parametrised, problem),
    "frozen": (frozen, problem),
    "dropout": (lambda: made(lambda: nn.Linear(6, 8), nn.ReLU, nn.Dropout, lambda: nn.Linear(8, 3)), problem),
}


def build(name):
    build_model, data = MODELS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build_model()
    return model, *data()


def trained(model, x, y, tracker=None, epochs=2, size=8):
    """A plain loop, with or without somebody who looks on."""
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1, momentum=0.9)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        for _ in range(epochs):
            for at in range(0, len(x), size):
                optimizer.zero_grad()
                if tracker is None:
                    LOSS(model(x[at : at + size]), y[at : at + size]).backward()
                else:
                    with tracker.watch(model):
                        LOSS(model(x[at : at + size]), y[at : at + size]).backward()
                optimizer.step()
            if tracker is not None:
                tracker.end_epoch()
    return model


def single_norms(model, x, y, layer):
    """‖∇L_i‖ of a layer's weight, one backward pass a sample."""
    found = []
    for i in range(len(x)):
        (gradient,) = torch.autograd.grad(
            LOSS(model(x[i : i + 1]), y[i : i + 1]), model.get_parameter(f"{layer}.weight")
        )
        found.append(float(gradient.double().norm()))
    return np.array(found)


@pytest.mark.parametrize("name", MODELS)
def test_a_watched_training_is_the_same_to_the_last_bit(name):
    model, x, y = build(name)
    plain = trained(copy.deepcopy(model), x, y)
    looked = trained(model, x, y, track())
    states = zip(plain.state_dict().values(), looked.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in states)


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_left_on_the_model(name):
    model, x, y = build(name)
    tracker = track()
    reference = copy.deepcopy(model)
    LOSS(reference(x), y).backward()
    grads = [None if p.grad is None else p.grad.clone() for p in reference.parameters()]
    with torch.random.fork_rng(devices=[]), tracker.watch(model):
        LOSS(model(x), y).backward()
    model.zero_grad()
    assert all(not m._forward_hooks and not m._backward_hooks for m in model.modules())
    assert all(p._backward_hooks is None for p in model.parameters())
    if name != "dropout":
        with torch.random.fork_rng(devices=[]), tracker.watch(model):
            LOSS(model(x), y).backward()
        assert all(
            (p.grad is None) == (g is None) and (g is None or name == "residual" or torch.equal(p.grad, g))
            for p, g in zip(model.parameters(), grads, strict=True)
        )


def test_an_epoch_is_the_whole_data_where_the_weights_stand_still():
    model, (x, y) = small().double(), problem()
    x = x.double()
    tracker = track(needed=20)
    for at in range(0, 48, 16):
        with tracker.watch(model):
            LOSS(model(x[at : at + 16]), y[at : at + 16]).backward()
    tracker.end_epoch()
    seen = tracker.result()
    first = model[0](x)
    second = model[2](torch.tanh(first))
    slope = 1 - torch.tanh(first).square()
    effective = slope.sum(0) ** 2 / slope.square().sum(0)
    assert seen.activations == ("tanh after 0", "relu after 2")
    assert seen.layers == ("0", "2", "4")
    levels = [0.1, 0.5, 0.9]
    kappa = first.std(0, correction=0) / np.arccosh(np.sqrt(2))
    np.testing.assert_allclose(seen.kappa[0, 0], np.quantile(kappa.detach(), levels), rtol=1e-10)
    assert np.isnan(seen.kappa[0, 1]).all()
    np.testing.assert_allclose(seen.effective[0, 0], np.quantile(effective.detach(), levels), rtol=1e-10)
    active = (second > 0).sum(0)
    np.testing.assert_allclose(seen.effective[0, 1], np.quantile(active, levels), rtol=1e-12)
    assert seen.unsupported[0, 1] == float((active < 20).double().mean())
    np.testing.assert_allclose(seen.occupancy[0, 0], np.quantile((slope >= 0.5).double().mean(0), levels))
    for k, layer in enumerate(seen.layers):
        norms = single_norms(model, x, y, layer)
        np.testing.assert_allclose(seen.norm[0, k], norms.mean(), rtol=1e-10)
        np.testing.assert_allclose(seen.norm_quantiles[0, k], np.quantile(norms, levels), rtol=1e-10)


@pytest.mark.parametrize("name", ["mlp", "groups", "words", "frozen"])
def test_gradients_of_a_step_are_those_of_autograd(name):
    model, x, y = build(name)
    tracker = track()
    with tracker.watch(model):
        LOSS(model(x), y).backward()
    tracker.end_epoch()
    seen = tracker.result()
    known = [k for k in range(len(seen.layers)) if not np.isnan(seen.norm[0, k])]
    assert len(known) >= 2
    for k in known:
        layer = seen.layers[k]
        path = layer if layer.endswith("in_proj_weight") else f"{layer}.weight"
        gradient = model.get_parameter(path).grad
        np.testing.assert_allclose(np.exp(seen.log_gradient[0, k]), gradient.norm(), rtol=1e-5)
        if path.endswith(".weight"):
            norms = single_norms(model, x, y, layer)
            np.testing.assert_allclose(seen.norm[0, k], norms.mean(), rtol=1e-4)
            np.testing.assert_allclose(seen.coherence[0, k], gradient.norm() / norms.mean(), rtol=1e-4)


def test_the_weights_gradients_can_be_left_out():
    model, (x, y) = small(), problem()
    tracker = track()
    with tracker.watch(model, weights=False):
        for at in (0, 24):
            LOSS(model(x[at : at + 24]), y[at : at + 24]).backward()
    tracker.end_epoch()
    seen = tracker.result()
    assert np.isnan(seen.log_gradient).all()
    assert np.isnan(seen.coherence).all()
    np.testing.assert_allclose(seen.norm[0, 0], single_norms(model, x, y, "0").mean(), rtol=1e-5)


def test_delta_is_the_root_mean_square_of_single_samples():
    model, (x, y) = small(), problem()
    tracker = track()
    with tracker.watch(model):
        LOSS(model(x), y).backward()
    tracker.end_epoch()
    seen = tracker.result()
    output = model(x)
    delta = torch.softmax(output, 1) - nn.functional.one_hot(y, 3)
    found = seen.log_delta[0, seen.layers.index("4")]
    np.testing.assert_allclose(np.exp(found), delta.square().sum(1).mean().sqrt().detach(), rtol=1e-5)


def test_batch_statistics_and_what_is_not_seen_are_named():
    model, x, y = build("residual")
    tracker = track()
    with tracker.watch(model):
        LOSS(model(x), y).backward()
    tracker.end_epoch()
    assert "norm uses the statistics of the batch" in tracker.refused["first"]
    seen = tracker.result()
    assert np.isnan(seen.norm).all()
    assert np.isfinite(seen.log_gradient).all()
    assert np.isfinite(seen.effective).all()
    model, x, y = build("parametrised")
    tracker = track()
    with tracker.watch(model):
        LOSS(model(x), y).backward()
    assert any("no instrumented call" in reason for reason in tracker.refused.values())


def test_frozen_layers_and_positions_first_are_named():
    model, x, y = build("frozen")
    tracker = track()
    with tracker.watch(model):
        LOSS(model(x), y).backward()
    assert "0" not in tracker.refused  # nothing passes below it
    model, x, y = build("words second")
    tracker = track()
    with tracker.watch(model):
        LOSS(model(x), y).backward()
    assert "samples=" in tracker.refused["head"]
    tracker = track()
    with tracker.watch(model, samples=16):
        LOSS(model(x), y).backward()
    tracker.end_epoch()
    seen = tracker.result()
    for layer in ("head", "layer.linear1"):
        np.testing.assert_allclose(
            seen.norm[0, seen.layers.index(layer)], single_norms(model, x, y, layer).mean(), rtol=1e-4
        )


def test_a_weight_used_twice_is_refused():
    model, (x, y) = small(), problem()
    tracker = track()
    with tracker.watch(model):
        LOSS(model(x) + model(x.flip(0)), y).backward()
    tracker.end_epoch()
    assert "used 2 times" in tracker.refused["0"]
    seen = tracker.result()
    assert np.isnan(seen.norm).all()
    for layer, found in zip(seen.layers, seen.log_gradient[0], strict=True):
        np.testing.assert_allclose(np.exp(found), model.get_parameter(f"{layer}.weight").grad.norm(), rtol=1e-5)


def test_accumulation_in_one_block_or_several():
    (x, y), rows = problem(), []
    for together in (True, False):
        model, tracker = small(), track()
        if together:
            with tracker.watch(model):
                for at in (0, 24):
                    LOSS(model(x[at : at + 24]), y[at : at + 24]).backward()
        else:
            for at in (0, 24):
                with tracker.watch(model):
                    LOSS(model(x[at : at + 24]), y[at : at + 24]).backward()
        tracker.end_epoch()
        rows.append(tracker.result())
    assert rows[0].activations == rows[1].activations
    for name in ("kappa", "effective", "values", "norm", "coherence", "log_delta", "log_gradient"):
        np.testing.assert_array_equal(getattr(rows[0], name), getattr(rows[1], name))
    assert rows[0].values[0, 0] == 48


def test_evaluations_and_passes_without_backward_do_no_harm():
    model, (x, y) = small(), problem()
    tracker = track()
    with tracker.watch(model):
        with torch.no_grad():
            model(x[:5])
        LOSS(model(x), y).backward()
    with tracker.watch(model):
        model(x)
    tracker.end_epoch()
    seen = tracker.result()
    assert (seen.values == 96).all()
    np.testing.assert_allclose(seen.norm[0, seen.layers.index("0")], single_norms(model, x, y, "0").mean(), rtol=1e-5)


def test_autocast_is_read_in_single_precision():
    model, (x, y) = small(), problem()
    tracker = track()
    for outside in (True, False):
        with tracker.watch(model):
            with torch.autocast("cpu", torch.bfloat16):
                loss = LOSS(model(x), y)
                if not outside:
                    loss.backward()
            if outside:
                loss.backward()
    tracker.end_epoch()
    seen = tracker.result()
    np.testing.assert_allclose(seen.norm[0, seen.layers.index("0")], single_norms(model, x, y, "0").mean(), rtol=0.05)


def test_a_broken_step_leaves_nothing():
    model, (x, y) = small(), problem()
    tracker = track()

    def broken():
        with tracker.watch(model):
            LOSS(model(x), y).backward()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        broken()
    assert all(p._backward_hooks is None for p in model.parameters())
    with pytest.raises(InputError, match="no step was watched"):
        tracker.end_epoch()
    with tracker.watch(model):
        LOSS(model(x[:4]), y[:4]).backward()
    tracker.end_epoch()
    assert (tracker.result().values == 4).all()


def test_every_so_many_epochs_and_every_step():
    (x, y), tracker = problem(), track(every=2)
    trained(small(), x, y, tracker, epochs=5, size=16)
    assert tracker.result().epochs.tolist() == [1, 3, 5]
    assert tracker.result().steps.tolist() == [3, 9, 15]
    tracker = track(every=2, per="step")
    trained(small(), x, y, tracker, epochs=2, size=16)
    assert tracker.result().steps.tolist() == [1, 3, 5]
    assert tracker.result().epochs.tolist() == [0, 0, 1]


def test_a_fit_is_recorded_on_fixed_data_and_not_disturbed():
    x, y = problem()
    tracker = track((x, y), batch_size=20)
    model = small()
    seen_fit = training.fit(model, (x, y), epochs=2, recorder=tracker)
    plain = training.fit(model, (x, y), epochs=2)
    assert all(torch.equal(a, b) for a, b in zip(seen_fit.model.parameters(), plain.model.parameters(), strict=True))
    seen = tracker.result()
    assert seen.epochs.tolist() == [0, 1, 2]
    for record, state in ((0, model), (2, plain.model)):
        for layer in ("0", "2", "4"):
            k = seen.layers.index(layer)
            norms = single_norms(state, x, y, layer)
            (whole,) = torch.autograd.grad(LOSS(state(x), y), state.get_parameter(f"{layer}.weight"))
            np.testing.assert_allclose(seen.norm[record, k], norms.mean(), rtol=1e-5)
            np.testing.assert_allclose(seen.log_gradient[record, k], np.log(float(whole.norm())), atol=1e-5)
            np.testing.assert_allclose(seen.coherence[record, k], whole.norm() / norms.mean(), rtol=1e-5)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_looking_at_fixed_data_leaves_every_model_as_it_was(name, mode):
    model, x, y = build(name)
    tracker = track((x, y), mode=mode)
    with unchanged(model):
        tracker.record(model, 0)
    seen = tracker.result()
    assert np.isfinite(seen.effective).all()
    mixing = mode == "train" and name in {"residual", "dropout"}
    assert np.isnan(seen.norm).all() == mixing
    assert bool(tracker.refused) or not mixing


def test_an_interrupted_fit_is_recorded_like_an_uninterrupted_one(tmp_path):
    x, y = problem()
    whole = track((x, y))
    training.fit(small(), (x, y), epochs=4, recorder=whole)
    first, second, path = track((x, y)), track((x, y)), tmp_path / "fit.pt"
    training.fit(small(), (x, y), epochs=2, recorder=first, checkpoint=path)
    training.fit(small(), (x, y), epochs=4, recorder=second, checkpoint=path)
    assert_same(second.result(), whole.result())


def test_an_interrupted_loop_is_recorded_like_an_uninterrupted_one(tmp_path):
    (x, y), model = problem(), small()
    straight, before = track(), track()
    for tracker in (straight, before):
        trained(copy.deepcopy(model), x, y, tracker, epochs=2)
        with tracker.watch(model):
            LOSS(model(x), y).backward()
    torch.save(before.state_dict(), tmp_path / "state.pt")
    after = track()
    after.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for tracker in (straight, after):
        with tracker.watch(model):
            LOSS(model(x[:9]), y[:9]).backward()
        tracker.end_epoch()
    assert_same(after.result(), straight.result())


def assert_same(a, b):
    assert (a.activations, a.layers, a.refused) == (b.activations, b.layers, b.refused)
    for name, value in vars(a).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_allclose(value, getattr(b, name), rtol=1e-12, err_msg=name)


def test_the_state_of_another_tracker_is_refused():
    state = track(needed=30).state_dict()
    with pytest.raises(InputError, match=r"needed=30\.0"):
        track(needed=10).load_state_dict(state)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "every ≥ 1"),
        ({"per": "week"}, "'epoch' or 'step'"),
        ({"needed": 0}, "needed > 0"),
        ({"mode": "both"}, "'eval', 'train' or 'auto'"),
        ({"delta": 2.0}, "0 < delta ≤ 1"),
    ],
)
def test_options_are_checked(options, message):
    import inspect

    with pytest.raises(InputError, match=message):
        inspect.unwrap(track)(**options)


def test_wrong_uses_are_named():
    import inspect

    with pytest.raises(InputError, match="no data to look at"):
        track().record(small(), 0)
    tracker = track()
    with pytest.raises(InputTypeError, match="got str"):
        next(inspect.unwrap(type(tracker).watch)(tracker, "model"))
    assert repr(tracker) == "GradientTracker(per='epoch', records=0)"


def test_records_on_fixed_data_let_their_graphs_go():
    """A call holds its node, and the node's hooks the call: no collector sees through that."""
    tracker, model = track(data=problem()), small()
    tracker.record(model, 0)
    gc.collect()
    before = sum(type(thing) is Event for thing in gc.get_objects())
    for step in range(1, 4):
        tracker.record(model, step)
    gc.collect()
    assert sum(type(thing) is Event for thing in gc.get_objects()) <= before


class Kept:
    """A tensor that a graph keeps for its backward pass."""

    def __init__(self, tensor):
        self.tensor = tensor


def test_no_graph_outlives_its_step():
    import weakref

    model, (x, y) = small(), problem()
    model[3] = nn.ReLU()
    alive = []

    def pack(tensor):
        kept = Kept(tensor.detach())
        alive.append(weakref.ref(kept))
        return kept

    with track().watch(model), torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor):
        loss = LOSS(model(x), y)
    assert any(kept() is not None for kept in alive)
    del loss
    assert all(kept() is None for kept in alive)
