"""An interrupted run, continued, ends as the uninterrupted one: bit for bit."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from inscape import data
from inscape._errors import FileFormatError, InputError, OutputError
from inscape.training import Recipe, SnapshotRecorder, fit, mlp
from inscape.training import _checkpoint as checkpoints

X, Y = data.load("moons", n=90)
PAIR = (X, Y)
EPOCHS = 4
EXACT = ("loss", "accuracy", "test_loss", "test_accuracy", "learning_rate")


class Drifting(nn.Module):
    """Dropout, batch statistics and a buffer that is not saved: all that a checkpoint could forget."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            *list(mlp([2, 12])), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.4), *list(mlp([12, 2]))
        )
        self.register_buffer("calls", torch.zeros(()), persistent=False)

    def forward(self, x):
        if self.training:
            self.calls.add_(1)
        return self.body(x) * (1 + 0.01 * self.calls)


RECIPES = {
    "adam-cosine": Recipe(scheduler="cosine", learning_rate=0.01, batch_size=16),
    "sgd": Recipe(optimizer="sgd", learning_rate=0.05, batch_size=16),
    "plateau": Recipe(scheduler=lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, patience=0, threshold=0.5)),
    "multistep": Recipe(scheduler=lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [1, 3])),
}


class Interrupt:
    """A recorder that stops the run by Ctrl-C after an epoch; the epoch's checkpoint is then not yet written."""

    def __init__(self, epoch):
        self.epoch = epoch

    def __call__(self, *, step, epoch, model, metrics):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def assert_same(first, second):
    a, b = first.model.state_dict(), second.model.state_dict()
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert all(torch.equal(p, q) for p, q in zip(first.model.buffers(), second.model.buffers(), strict=True))
    for name in EXACT:
        np.testing.assert_array_equal(getattr(first.history, name), getattr(second.history, name))
    assert first.history.steps == second.history.steps


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_interrupted_at_every_boundary(recipe, tmp_path):
    path = tmp_path / "run.ckpt"
    whole = fit(Drifting(), PAIR, epochs=EPOCHS, recipe=recipe, test=PAIR)
    for epoch in range(EPOCHS + 1):
        path.unlink(missing_ok=True)
        state = torch.get_rng_state()
        with pytest.raises(KeyboardInterrupt):
            fit(Drifting(), PAIR, epochs=EPOCHS, recipe=recipe, test=PAIR, checkpoint=path, recorder=Interrupt(epoch))
        assert torch.equal(torch.get_rng_state(), state)
        assert path.exists() == (epoch > 1)
        torch.manual_seed(epoch)
        assert_same(fit(Drifting(), PAIR, epochs=EPOCHS, recipe=recipe, test=PAIR, checkpoint=path), whole)


def test_interrupted_in_the_middle_of_an_epoch(tmp_path):
    path = tmp_path / "run.ckpt"
    recipe = RECIPES["adam-cosine"]
    whole = fit(Drifting(), PAIR, epochs=EPOCHS, recipe=recipe)

    class Stops(Drifting):
        def forward(self, x):
            if self.calls >= 15:  # six steps an epoch: in the third
                raise KeyboardInterrupt
            return super().forward(x)

    Stops.__name__ = "Drifting"
    with pytest.raises(KeyboardInterrupt):
        fit(Stops(), PAIR, epochs=EPOCHS, recipe=recipe, checkpoint=path)
    assert checkpoints.read_checkpoint(path)["epoch"] == 2
    assert [file.name for file in tmp_path.iterdir()] == ["run.ckpt"]
    assert_same(fit(Drifting(), PAIR, epochs=EPOCHS, recipe=recipe, checkpoint=path), whole)


def test_in_place_run_goes_on_in_the_same_model(tmp_path):
    path, recipe = tmp_path / "run.ckpt", Recipe(in_place=True)
    whole = fit(Drifting(), PAIR, epochs=EPOCHS)
    model = Drifting()
    with pytest.raises(KeyboardInterrupt):
        fit(model, PAIR, epochs=EPOCHS, recipe=recipe, checkpoint=path, recorder=Interrupt(3))
    done = fit(model, PAIR, epochs=EPOCHS, recipe=recipe, checkpoint=path)
    assert done.model is model
    assert_same(done, whole)


def test_shuffling_loader_goes_on(tmp_path):
    path = tmp_path / "run.ckpt"
    loader = DataLoader(TensorDataset(X, Y), batch_size=20, shuffle=True)
    whole = fit(Drifting(), loader, epochs=EPOCHS)
    with pytest.raises(KeyboardInterrupt):
        fit(Drifting(), loader, epochs=EPOCHS, checkpoint=path, recorder=Interrupt(3))
    assert_same(fit(Drifting(), loader, epochs=EPOCHS, checkpoint=path), whole)


def test_loader_with_a_generator_of_its_own_goes_on(tmp_path):
    path = tmp_path / "run.ckpt"

    def loader():
        generator = torch.Generator().manual_seed(3)
        return DataLoader(TensorDataset(X, Y), batch_size=20, shuffle=True, generator=generator)

    whole = fit(Drifting(), loader(), epochs=EPOCHS)
    with pytest.raises(KeyboardInterrupt):
        fit(Drifting(), loader(), epochs=EPOCHS, checkpoint=path, recorder=Interrupt(3))
    assert_same(fit(Drifting(), loader(), epochs=EPOCHS, checkpoint=path), whole)


def test_snapshots_travel_in_the_checkpoint(tmp_path):
    path = tmp_path / "run.ckpt"
    whole = SnapshotRecorder()
    fit(Drifting(), PAIR, epochs=EPOCHS, recorder=whole)
    fit(Drifting(), PAIR, epochs=2, recorder=SnapshotRecorder(), checkpoint=path)
    resumed = SnapshotRecorder()
    fit(Drifting(), PAIR, epochs=EPOCHS, recorder=resumed, checkpoint=path)
    assert sorted(resumed.snapshots) == list(range(EPOCHS + 1))
    for epoch, state in whole.snapshots.items():
        assert all(torch.equal(state[key], resumed.snapshots[epoch][key]) for key in state)


def test_finished_run_is_not_trained_again_and_more_epochs_go_on(tmp_path):
    path = tmp_path / "run.ckpt"
    first = fit(Drifting(), PAIR, epochs=2, checkpoint=path)
    content = path.read_bytes()
    assert_same(fit(Drifting(), PAIR, epochs=2, checkpoint=path), first)
    assert path.read_bytes() == content
    assert_same(fit(Drifting(), PAIR, epochs=EPOCHS, checkpoint=path), fit(Drifting(), PAIR, epochs=EPOCHS))
    with pytest.raises(InputError, match="is of 4 epochs, 3 were asked for"):
        fit(Drifting(), PAIR, epochs=3, checkpoint=path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recipe": Recipe(learning_rate=0.5)}, "recipe's learning rate differs: 0.001 there, 0.5 here"),
        ({"recipe": Recipe(rng=1)}, "recipe's rng"),
        ({"recipe": Recipe(scheduler="cosine")}, "recipe's scheduler"),
        ({"recipe": Recipe(loss=nn.functional.multi_margin_loss)}, "recipe's loss"),
        ({"model": mlp([2, 5, 2])}, "model's parameters"),
        ({"model": mlp([2, 4, 2], activation="tanh")}, "model's layers"),
        ({"data": (X + 1, Y)}, "its data differs"),
    ],
)
def test_checkpoint_of_another_run_is_refused(change, words, tmp_path):
    path = tmp_path / "run.ckpt"
    fit(mlp([2, 4, 2]), PAIR, epochs=1, checkpoint=path)
    content = path.read_bytes()
    arguments = {"model": mlp([2, 4, 2]), "data": PAIR, "recipe": None} | change
    with pytest.raises(InputError, match=words):
        fit(arguments["model"], arguments["data"], epochs=2, recipe=arguments["recipe"], checkpoint=path)
    assert path.read_bytes() == content


def test_cosine_spans_its_epochs(tmp_path):
    recipe = Recipe(scheduler="cosine")
    fit(mlp([2, 4, 2]), PAIR, epochs=2, recipe=recipe, checkpoint=tmp_path / "c")
    with pytest.raises(InputError, match="number of epochs"):
        fit(mlp([2, 4, 2]), PAIR, epochs=3, recipe=recipe, checkpoint=tmp_path / "c")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(b""), "damaged"),
        (lambda path: path.write_bytes(b"no checkpoint at all"), "damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), "damaged"),
        (lambda path: torch.save({"a": 1}, path), "no checkpoint of this library"),
        (lambda path: torch.save([1], path), "no checkpoint of this library"),
        (lambda path: torch.save({"format": "inscape-checkpoint", "schema": 99}, path), "schema 99"),
        (lambda path: torch.save({"format": print}, path), "more than numbers"),
        (lambda path: torch.save({"format": "inscape-checkpoint", "schema": 1}, path), "lacks"),
    ],
)
def test_bad_checkpoints_are_refused(damage, words, tmp_path):
    path = tmp_path / "run.ckpt"
    fit(mlp([2, 4, 2]), PAIR, epochs=1, checkpoint=path)
    damage(path)
    with pytest.raises(FileFormatError, match=words):
        fit(mlp([2, 4, 2]), PAIR, epochs=2, checkpoint=path)


def test_unwritable_checkpoint_is_found_before_training(tmp_path):
    with pytest.raises(OutputError, match="choose another folder"):
        fit(mlp([2, 4, 2]), PAIR, epochs=1, checkpoint=tmp_path / "missing" / "c", recorder=Interrupt(0))
    with pytest.raises(OutputError, match="is a folder"):
        fit(mlp([2, 4, 2]), PAIR, epochs=1, checkpoint=tmp_path)


def test_full_disk_leaves_the_older_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.ckpt"
    fit(mlp([2, 4, 2]), PAIR, epochs=1, checkpoint=path)
    content = path.read_bytes()

    def full(state, handle):
        handle.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OutputError, match="No space left"):
        fit(mlp([2, 4, 2]), PAIR, epochs=2, checkpoint=path)
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["run.ckpt"]
