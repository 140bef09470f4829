"""Networks from a seed: shapes, paths, weights of the asked variance, no global random state."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from inscape._errors import InputError
from inscape.testing import unchanged
from inscape.testing.faults import Net, candidates
from inscape.testing.faults._net import Cut, Residual, build, layer_paths, norm_paths

NETS = sorted({case.net for case in candidates()}, key=lambda net: net.name)
INPUTS = {
    ("mlp", "digits"): (64,),
    ("conv", "digits"): (1, 8, 8),
    ("mlp", "mnist5k"): (784,),
    ("conv", "mnist5k"): (1, 28, 28),
}


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.name)
def test_every_net_of_the_suite_runs_and_its_paths_lead_to_layers(net):
    model = build(net, 0)
    output = model(torch.rand(3, *INPUTS[net.family, net.dataset]))
    assert output.shape == (3, 10)
    assert torch.isfinite(output).all()
    layers = [model.get_submodule(path) for path in layer_paths(net)]
    assert all(isinstance(layer, nn.Linear | nn.Conv2d) for layer in layers)
    assert len(layers) == net.depth + 1
    assert [len(layer.weight) for layer in layers] == [net.width] * net.depth + [10]
    assert len(norm_paths(net)) == sum(1 for m in model.modules() if "Norm" in type(m).__name__)


def test_paths_are_in_forward_order():
    net = Net(depth=5, residual=True, norm="layer")
    model, called = build(net, 0), []
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            module.register_forward_hook(lambda *_, name=name: called.append(name))
    model(torch.rand(2, 64))
    assert tuple(called) == layer_paths(net)


@pytest.mark.parametrize(("init", "variance"), [("he", 2.0), ("xavier", 1.0), ("default", 1 / 3)])
def test_weights_have_the_variance_of_their_initialisation(init, variance):
    layer = build(Net(depth=2, width=256, init=init), 3)[2]
    assert float(layer.weight.detach().var() * 256) == pytest.approx(variance, rel=0.03)
    assert abs(float(layer.weight.detach().mean())) < 1e-3
    assert bool(layer.bias.any()) == (init == "default")


def test_default_is_bounded_as_torch_bounds_it():
    layer, torch_layer = build(Net(depth=2, init="default"), 0)[2], nn.Linear(64, 64)
    for made, known in zip(layer.parameters(), torch_layer.parameters(), strict=True):
        assert float(made.detach().abs().max()) <= 1 / 8
        assert float(made.detach().abs().max()) == pytest.approx(float(known.detach().abs().max()), rel=0.1)


def test_the_seed_decides_and_nothing_else():
    net = Net(family="conv", norm="batch", depth=4, width=8)
    with unchanged():
        first, again, other = build(net, 1), build(net, 1), build(net, 2)
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True))
    assert not torch.equal(first[0].weight, other[0].weight)
    assert first.training


def test_normalisations_begin_neutral():
    model = build(Net(family="conv", norm="batch", depth=4, width=8), 1)
    norm = model[1]
    assert torch.equal(norm.weight, torch.ones(8))
    assert not norm.bias.any()
    assert torch.equal(norm.running_var, torch.ones(8))
    assert int(norm.num_batches_tracked) == 0


def test_cut_stops_the_gradient_and_no_value():
    net = Net(depth=4)
    whole, cut = build(net, 0), build(net, 0, cut=1)
    x = torch.rand(5, 64)
    assert torch.equal(whole(x), cut(x))
    assert isinstance(cut[4], Cut)
    cut(x).sum().backward()
    moved = [layer.weight.grad is not None for layer in cut if isinstance(layer, nn.Linear)]
    assert moved == [False, False, True, True, True]


def test_residual_adds_its_branch():
    assert torch.equal(Residual(nn.Tanh())(torch.ones(2)), torch.ones(2) + torch.tanh(torch.ones(2)))


def test_names_tell_nets_apart():
    assert len({net.name for net in NETS}) == len(NETS)
    assert replace(Net(), norm="layer", residual=True, init="default").name == (
        "mlp-digits-tanh-7x64-default-layernorm-residual"
    )


@pytest.mark.parametrize("wrong", [{"family": "cnn"}, {"init": "zeros"}, {"norm": "group"}, {"activation": "elu"}])
def test_unknown_parts_are_named(wrong):
    (name, value) = next(iter(wrong.items()))
    with pytest.raises(InputError, match=f"expected {name} as one of .*, got '{value}'"):
        Net(**wrong)


def test_empty_nets_are_refused():
    with pytest.raises(InputError, match="got 0 and 64"):
        Net(depth=0)
