"""What a recorder is told, and that it cannot disturb the run."""

import pytest
import torch

from inscape import data
from inscape._errors import InputError
from inscape.training import Recipe, Recorder, SnapshotRecorder, fit, mlp

PAIR = data.load("moons", n=60)


def test_recorder_sees_the_start_and_every_epoch():
    seen = []

    def record(step, epoch, model, metrics):
        seen.append((step, epoch, dict(metrics)))
        torch.rand(5)

    plain = fit(mlp([2, 6, 2]), PAIR, epochs=2, recipe=Recipe(batch_size=20))
    done = fit(mlp([2, 6, 2]), PAIR, epochs=2, recipe=Recipe(batch_size=20), recorder=record)
    assert [(step, epoch) for step, epoch, _ in seen] == [(0, 0), (3, 1), (6, 2)]
    assert seen[0][2] == {}
    assert [row["loss"] for _, _, row in seen[1:]] == done.history.loss.tolist()
    assert torch.equal(plain.model[0].weight, done.model[0].weight)
    assert isinstance(record, Recorder)


def test_snapshots_are_the_states_of_their_epochs():
    model = mlp([2, 6, 2])
    recorder = SnapshotRecorder(epochs=[0, 2])
    done = fit(model, PAIR, epochs=2, recorder=recorder)
    assert sorted(recorder.snapshots) == [0, 2]
    assert torch.equal(recorder.snapshots[0]["0.weight"], model[0].weight)
    assert torch.equal(recorder.snapshots[2]["0.weight"], done.model[0].weight)
    before = recorder.snapshots[2]["0.weight"].clone()
    with torch.no_grad():
        done.model[0].weight.zero_()
    assert torch.equal(recorder.snapshots[2]["0.weight"], before)


def test_negative_epochs_are_named():
    with pytest.raises(InputError, match="got -1"):
        SnapshotRecorder(epochs=[-1])
