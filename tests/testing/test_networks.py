"""Random networks: each kind has the degeneracy that it is named after."""

import pytest
import torch
from hypothesis import given

from inscape._errors import InputError
from inscape.testing import NET_KINDS, random_net, relu_nets


def hidden(kind, widths=(2, 7, 6, 1)):
    net = random_net(list(widths), kind=kind, rng=0)
    return [(layer.weight.detach(), layer.bias.detach()) for layer in net[:-1] if isinstance(layer, torch.nn.Linear)]


@given(relu_nets(dimension=3, max_depth=3, outputs=2))
def test_nets_have_the_asked_ends(net):
    assert net(torch.zeros(1, 3, dtype=torch.float64)).shape == (1, 2)
    assert all(torch.isfinite(parameter).all() for parameter in net.parameters())


@given(relu_nets(kinds=("generic",), dtype=torch.float32))
def test_strategy_hands_on_the_type(net):
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float32}


@pytest.mark.parametrize("kind", NET_KINDS)
def test_weights_are_exact_in_float32(kind):
    wide = random_net([2, 5, 5, 1], kind=kind, rng=1)
    narrow = random_net([2, 5, 5, 1], kind=kind, rng=1, dtype=torch.float32)
    pairs = zip(wide.parameters(), narrow.parameters(), strict=True)
    assert all(torch.equal(a, b.double()) for a, b in pairs)


def test_repeated_units():
    for weight, bias in hidden("duplicated"):
        half = (len(weight) + 1) // 2
        assert torch.equal(weight[half:], weight[: len(weight) - half])
        assert torch.equal(bias[half:], bias[: len(weight) - half])
    for weight, bias in hidden("parallel"):
        half = (len(weight) + 1) // 2
        assert torch.equal(weight[half:], weight[: len(weight) - half])
        assert (bias[half:] > bias[: len(weight) - half]).all()
    for weight, bias in hidden("negated"):
        half = (len(weight) + 1) // 2
        assert torch.equal(weight[half:], -weight[: len(weight) - half])
        assert torch.equal(bias[half:], -bias[: len(weight) - half])


def test_special_weights():
    assert all((bias == 0).all() for _, bias in hidden("bias_free"))
    assert all((weight == weight.round()).all() and weight.abs().max() <= 2 for weight, _ in hidden("integer"))
    assert all((weight[0] == 0).all() and bias[0] < 0 for weight, bias in hidden("pruned"))
    assert (hidden("central")[0][1] == 0).all()
    assert ((hidden("grid")[0][0] != 0).sum(1) == 1).all()


@pytest.mark.parametrize(("widths", "kind"), [([2, 3, 1], "odd"), ([2, 1], "generic")])
def test_bad_input_is_named(widths, kind):
    with pytest.raises(InputError, match="expected one of the kinds"):
        random_net(widths, kind=kind)
