"""The examples of the documentation run: a plain loop, and a callback under a trainer that keeps Lightning's order."""

import importlib.util
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from inscape.gradients import track
from inscape.training import mlp

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def test_the_plain_loop():
    found = runpy.run_path(str(EXAMPLES / "track_loop.py"))
    assert found["track"].records == 5
    assert "unsupported units" in found["summary"]


def callback():
    spec = importlib.util.spec_from_file_location("track_callback", EXAMPLES / "track_callback.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.GradientCallback()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = mlp([4, 6, 3], activation="tanh")

    def forward(self, x):
        return self.body(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        if batch_idx == 99:
            raise RuntimeError("broken batch")
        return nn.functional.cross_entropy(self(x), y)


class Trainer:
    """Calls back in Lightning's order: the optimizer's step is given a closure with forward and backward pass."""

    def __init__(self, callbacks):
        self.callbacks = callbacks

    def call(self, name, *arguments):
        for each in self.callbacks:
            getattr(each, name)(self, *arguments)

    def fit(self, net, loader, epochs):
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
        try:
            for _ in range(epochs):
                for index, batch in loader:
                    self.call("on_train_batch_start", net, batch, index)

                    def closure(batch=batch, index=index):
                        loss = net.training_step(batch, index)
                        optimizer.zero_grad()
                        loss.backward()
                        return loss

                    outputs = optimizer.step(closure)
                    self.call("on_train_batch_end", net, outputs, batch, index)
                self.call("on_train_epoch_end", net)
        except RuntimeError as error:
            self.call("on_exception", net, error)
            raise


def batches():
    source = torch.Generator().manual_seed(0)
    return [(i, (torch.randn(8, 4, generator=source), torch.arange(8) % 3)) for i in range(5)]


def test_the_callback_sees_what_a_plain_loop_sees_and_changes_nothing():
    seen, plain, looped = callback(), Net(), Net()
    net = Net()
    Trainer([seen]).fit(net, batches(), 2)
    Trainer([]).fit(plain, batches(), 2)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), plain.parameters(), strict=True))
    tracker, optimizer = track(), torch.optim.Adam(looped.parameters(), lr=1e-2)
    for _ in range(2):
        for index, batch in batches():
            optimizer.zero_grad()
            with tracker.watch(looped):
                looped.training_step(batch, index).backward()
            optimizer.step()
        tracker.end_epoch()
    a, b = seen.tracker.result(), tracker.result()
    assert a.steps.tolist() == b.steps.tolist() == [5, 10]
    for name in ("kappa", "occupancy", "effective", "norm", "coherence", "log_gradient"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_a_broken_batch_leaves_the_callback_ready():
    seen, net = callback(), Net()
    broken = [*batches()[:2], (99, batches()[2][1])]
    with pytest.raises(RuntimeError, match="broken batch"):
        Trainer([seen]).fit(net, broken, 1)
    again = callback()
    again.load_state_dict(seen.state_dict())
    Trainer([again]).fit(net, batches()[:3], 1)
    assert again.tracker.result().values[0, 0] == 8 * 5
