"""Temperature with known answers, and calibration errors by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import inscape
from inscape._errors import DataError
from inscape.gradients import temperature
from inscape.gradients._calibration import BINS, calibrate
from inscape.results import Verdict


def calibrated(classes=3, groups=5, seed=0):
    """Outputs whose softmax is exactly the share of each class among the samples that have them."""
    source = np.random.default_rng(seed)
    counts = source.integers(1, 9, (groups, classes))
    outputs = np.repeat(np.log(counts / counts.sum(1, keepdims=True)), counts.sum(1), axis=0)
    return outputs, np.concatenate([np.repeat(np.arange(classes), row) for row in counts])


@given(st.floats(0.1, 50.0), st.integers(0, 50))
def test_a_calibrated_model_scaled_by_c_needs_the_temperature_c(scale, seed):
    outputs, labels = calibrated(seed=seed)
    found = calibrate(scale * outputs, labels)
    np.testing.assert_allclose(found.temperature, scale, rtol=1e-4)
    np.testing.assert_allclose(found.nll[1], calibrate(outputs, labels).nll[0], rtol=1e-6)
    assert found.nll[1] <= found.nll[0] + 1e-12
    assert found.status.verdict is Verdict.MEASURED


def test_errors_by_hand():
    outputs = np.log(np.array([[0.9, 0.1]] * 4 + [[0.3, 0.7]] * 2))
    found = calibrate(outputs, np.array([0, 0, 0, 1, 0, 1]))
    np.testing.assert_allclose(found.ece[0], (4 * abs(0.9 - 0.75) + 2 * abs(0.7 - 0.5)) / 6)
    np.testing.assert_allclose(found.nll[0], -np.log([0.9, 0.9, 0.9, 0.1, 0.3, 0.7]).mean())
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.counts.sum() == 12
    assert found.counts.shape == (2, BINS)


def test_where_all_are_right_no_temperature_is_best():
    found = calibrate(np.eye(3), np.arange(3))
    assert found.status.verdict is Verdict.LIMIT
    assert found.temperature == pytest.approx(0.01, rel=1e-3)


def test_of_a_model_its_file_its_table_and_its_figure(tmp_path):
    outputs, labels = calibrated()
    found = temperature(nn.Identity(), (torch.tensor(4 * outputs), torch.tensor(labels)), batch_size=7)
    assert found.temperature == pytest.approx(4, rel=1e-4)
    again = inscape.load(found.save(tmp_path / "calibration.npz"))
    assert again.summary() == found.summary()
    assert len(found.to_dataframe()) == 2 * BINS
    info = found.info()
    assert [series.name for series in info.series] == ["as sure as right", "as it is (T = 1)", "T = 4"]
    np.testing.assert_allclose(info.series[2].x, found.confidence[1][found.counts[1] > 0])


def test_labels_at_positions_count_one_by_one():
    outputs, labels = calibrated(groups=4)
    keep = len(labels) // 2 * 2
    x = torch.tensor(outputs[:keep]).reshape(2, -1, 3).movedim(2, 1)
    found = temperature(nn.Identity(), (x, torch.tensor(labels[:keep]).reshape(2, -1)))
    np.testing.assert_allclose(found.nll, calibrate(outputs[:keep], labels[:keep]).nll)


def test_targets_that_are_no_classes_are_refused():
    with pytest.raises(DataError, match="whole-number labels"):
        temperature(nn.Identity(), (torch.zeros(3, 2), torch.zeros(3)))
