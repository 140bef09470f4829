"""A watched model computes what it computes, and is as it was."""

from inspect import unwrap

import pytest
import torch
from torch import nn

from inscape._errors import DataError, InputError, InputTypeError, ModelError
from inscape.gradients._watch import mean_loss, mode_of, watched
from inscape.testing import unchanged

X, Y = torch.randn(6, 4), torch.arange(6) % 3


def nothing(event, x, output):
    """A visitor that looks away."""


def net():
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(5, 3))


def test_leaves_share_the_memory_and_ask_for_gradients():
    model = net()
    model[0].requires_grad_(False)
    with unchanged(model), watched(model) as seen:
        for name, parameter in model.named_parameters():
            leaf = seen.leaves[name]
            assert leaf.data_ptr() == parameter.data_ptr()
            assert leaf.requires_grad
            assert leaf.is_leaf
            assert seen.names[id(leaf)] == name


def test_output_and_gradients_are_the_models():
    model = net().eval()
    with unchanged(model), watched(model) as seen:
        run = seen.run(X, Y, nothing, input_gradient=True)
        ours = torch.autograd.grad(mean_loss(None, run.output, run.y), [run.x, *seen.leaves.values()])
    x = X.clone().requires_grad_()
    value = nn.functional.cross_entropy(model(x), Y)
    theirs = torch.autograd.grad(value, [x, *model.parameters()])
    assert torch.equal(run.output, model(X))
    torch.testing.assert_close(ours, theirs)
    assert run.samples == 6


def test_without_gradients_there_is_no_graph():
    with watched(net(), gradient=False) as seen:
        assert not seen.run(X, Y, nothing).output.requires_grad
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("training", [True, False])
def test_modes_are_set_inside_and_back_outside(training):
    model = net().train(training)
    model[3].eval()
    with unchanged(model):
        with watched(model, mode="train") as seen:
            assert all(module.training for module in model.modules())
            run = seen.run(X, Y, nothing)
            assert run.batch_statistics == ["1"]
            assert run.random == ["dropout after 1"]
        with watched(model) as seen:
            assert not any(module.training for module in model.modules())
            run = seen.run(X, Y, nothing)
            assert run.batch_statistics == run.random == []


def test_a_mistake_inside_puts_all_back():
    model = net()
    with unchanged(model), pytest.raises(ModelError, match="cannot process a batch"), watched(model) as seen:
        seen.run(X[:, :2], Y, nothing)


def test_auto_mode_looks_at_the_running_statistics():
    model = net()
    assert mode_of(model, "auto") != "eval"
    model(X)
    assert mode_of(model, "auto") == "eval"
    assert mode_of(nn.Linear(2, 2), "auto") == "eval"
    assert mode_of(model, "train") == "train"
    with pytest.raises(InputError, match="expected mode as 'eval', 'train' or 'auto', got 'both'"):
        unwrap(mode_of)(model, "both")


def test_batches_come_in_the_models_type():
    with watched(net().double()) as seen:
        run = seen.run(X, Y.to(torch.int32), nothing)
    assert run.output.dtype == torch.float64
    assert run.y.dtype == torch.int64


def test_whole_numbers_have_no_input_gradient():
    with watched(nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 3))) as seen:
        run = seen.run(torch.ones(6, 2, dtype=torch.int64), Y, nothing, input_gradient=True)
    assert not run.x.requires_grad


def test_unfit_models_are_named():
    with pytest.raises(InputTypeError, match=r"expected a torch\.nn\.Module, got int"):
        next(unwrap(watched)(3))
    lazy = nn.LazyLinear(3)
    with pytest.raises(ModelError, match="lazy layers"), watched(lazy):
        pass


def test_losses_are_checked():
    output = torch.randn(6, 3, requires_grad=True) * 1.0
    assert mean_loss(None, output, Y).ndim == 0
    assert mean_loss(None, output, torch.zeros(6, 3)).detach().item() == pytest.approx(
        float(output.detach().square().mean())
    )
    with pytest.raises(DataError, match="the loss is nan"):
        mean_loss(lambda out, y: out.sum() * torch.nan, output, Y)
    with pytest.raises(ModelError, match="has no gradient"):
        mean_loss(None, output.detach(), Y)
