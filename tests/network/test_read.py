"""What is asked of model and example, and that reading leaves the model alone."""

import inspect

import numpy as np
import pytest
import torch
from torch import nn

from inscape import network
from inscape._errors import InputTypeError, ModelError, UnsupportedLayerError
from inscape.network import _read
from inscape.testing._untouched import unchanged


def test_reading_and_evaluating_leaves_the_model_alone():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(3, 1))
    model(torch.randn(4, 2)).sum().backward()
    model[0].weight.requires_grad_(False)
    model[2].eval()
    x = np.random.default_rng(0).normal(size=(5, 2))
    with unchanged(model):
        program = network.read(model)
        program.evaluate(x)
        program.frozen().describe()
    assert model.training


def test_traced_reading_leaves_the_model_alone():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.norm = nn.Linear(2, 3), nn.BatchNorm1d(3)
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return self.norm(self.layer(x)).relu_()

    model = Net().train()
    model.layer.register_forward_hook(lambda module, x, y: y + 1)
    with unchanged(model):
        network.read(model, np.ones((1, 2))).evaluate(np.ones((3, 2)))
    assert model.calls == 0


def test_mode_is_evaluation_whatever_the_model_is_in():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.9), nn.BatchNorm1d(2)).double()
    x = np.random.default_rng(0).normal(size=(6, 2))
    found = network.read(model.train()).evaluate(x)
    with torch.no_grad():
        np.testing.assert_allclose(found, model.eval()(torch.from_numpy(x)).numpy(), atol=1e-12)


@pytest.mark.parametrize("weight", ["0.weight", "1.bias", "1.running_var"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named(weight, value):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    model.state_dict()[weight].view(-1)[0] = value
    with pytest.raises(ModelError, match=f"NaN or infinity in '{weight}'"):
        network.read(model)


def test_lazy_parameters_are_named():
    with pytest.raises(ModelError, match=r"initialised parameters, got the lazy '0\.weight'"):
        network.read(nn.Sequential(nn.LazyLinear(2)))


@pytest.mark.parametrize(
    "model", [nn.Sequential(nn.Conv2d(1, 2, 3)), nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), nn.Bilinear(2, 2, 1)]
)
def test_missing_example(model):
    with pytest.raises(ModelError, match="pass example="):
        network.read(model)


def test_example_that_does_not_fit():
    with pytest.raises(ModelError, match="'linear' in module '0' cannot take a sample of shape"):
        network.read(nn.Sequential(nn.Linear(3, 2)), np.ones((1, 4)))
    with pytest.raises(ModelError, match="module '1' cannot take"):
        network.read(nn.Sequential(nn.Flatten(), nn.Linear(3, 2)), np.ones((1, 4)))


@pytest.mark.parametrize("example", [np.ones((0, 3)), 1.0, "three", [[1.0], [1.0, 2.0]], {"x": 1}])
def test_example_that_is_no_batch(example):
    with pytest.raises(ModelError, match="expected example to be"):
        network.read(nn.Sequential(nn.Linear(3, 2)), example)


def test_models_that_are_none():
    with pytest.raises(InputTypeError, match="got Tensor"):
        inspect.unwrap(network.read)(torch.ones(2))


def test_example_takes_the_models_dtype_and_two_samples():
    model = nn.Linear(3, 2).to(torch.bfloat16)
    assert _read.as_example(model, np.ones((1, 3))).dtype == torch.bfloat16
    assert _read.as_example(model, np.ones((1, 3))).shape == (2, 3)
    assert _read.as_example(model, torch.ones(9, 3)).shape == (2, 3)
    assert _read.as_example(nn.ReLU(), np.ones((2, 3), dtype=np.int64)).is_floating_point()


def test_elementwise_before_the_first_linear_layer_does_not_hide_the_shape():
    assert network.read(nn.Sequential(nn.Tanh(), nn.Linear(4, 2))).input_shape == (4,)


def test_single_leaf_and_nested_sequentials():
    assert [layer.name for layer in network.read(nn.Linear(2, 1)).nodes] == ["input", "linear"]
    nested = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU())), nn.Linear(2, 1))
    assert [layer.name for layer in network.read(nested).nodes] == ["input", "0.0", "0.1.0", "1"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, when its compiler is first imported
@pytest.mark.parametrize("wrap", [torch.compile, nn.DataParallel, lambda model: nn.DataParallel(torch.compile(model))])
def test_wrappers_are_looked_through(wrap):
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    x = np.ones((2, 2))
    wrapped = wrap(model)
    with unchanged(wrapped):
        program = network.read(wrapped)
    assert [layer.name for layer in program.nodes] == ["input", "0", "1"]
    np.testing.assert_array_equal(program.evaluate(x), network.read(model).evaluate(x))


def test_batch_statistics_in_a_sequential_are_refused():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3, track_running_stats=False))
    with pytest.raises(UnsupportedLayerError, match="module '1' uses the statistics of the batch"):
        network.read(model, np.ones((1, 2)))


def test_a_model_that_cannot_be_copied():
    model = nn.Sequential(nn.Linear(2, 2))
    model.stream = (number for number in range(3))
    model.register_forward_hook(lambda module, x, y: y)
    with pytest.raises(ModelError, match="cannot be copied"):
        network.read(model, np.ones((1, 2)))


def test_a_capture_that_disagrees_with_the_model_is_refused():
    class Moody(nn.Module):
        def forward(self, x):
            return 2 * x if torch.compiler.is_exporting() else x

    with pytest.raises(ModelError, match="does not give the model's own output"):
        network.read(Moody(), np.ones((1, 2)))
