"""Cuts against brute force: a node is one if no path is left without it."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from inscape.gradients._cuts import cut_nodes, cuts, reaching
from inscape.gradients._tape import Tape


def leaf_node(x):
    return x.view_as(x).grad_fn.next_functions[0][0]


def below(node):
    return [child for child, _ in node.next_functions if child is not None]


def all_nodes(root):
    found, stack = [], [root]
    while stack:
        node = stack.pop()
        if node not in found:
            found.append(node)
            stack += below(node)
    return found


def arrives(root, ends, without=None):
    """Whether a path leads from the root to one of the ends and not through a node."""
    seen, stack = set(), [root]
    while stack:
        node = stack.pop()
        if node is without or node in seen:
            continue
        if node in ends:
            return True
        seen.add(node)
        stack += below(node)
    return False


def by_removal(root, ends):
    if not arrives(root, ends):
        return set()
    return {node for node in all_nodes(root) if not arrives(root, ends, without=node)}


@st.composite
def graphs(draw):
    """Tensors of a random acyclic graph: each is fed by one to three of those before it."""
    leaves = [torch.ones(2, requires_grad=True) for _ in range(draw(st.integers(1, 3)))]
    values = [leaf * 2 for leaf in leaves]
    for _ in range(draw(st.integers(1, 9))):
        near = st.integers(max(0, len(values) - 3), len(values) - 1)
        parents = draw(st.lists(near, min_size=1, max_size=3))
        value = torch.stack([values[i] for i in parents]).sum(0) if len(parents) > 1 else values[parents[0]]
        values.append(torch.tanh(value))
    return leaves, values


@given(graphs(), st.data())
def test_cuts_are_the_nodes_without_which_no_path_is_left(graph, data):
    leaves, values = graph
    ends = {leaf_node(leaf) for leaf in data.draw(st.lists(st.sampled_from(leaves), min_size=1, unique_by=id))}
    inner = data.draw(st.lists(st.sampled_from(values[:-1]), max_size=2, unique_by=id))
    ends |= {value.grad_fn for value in inner}
    root = values[-1].grad_fn
    found = cut_nodes(root, ends)
    assert set(found) == by_removal(root, ends)
    assert len(found) == len(set(found))
    for above, under in pairwise(found):
        assert arrives(above, {under})


@given(graphs())
def test_nodes_on_the_way_are_those_from_which_an_end_is_reached(graph):
    leaves, values = graph
    end = leaf_node(leaves[0])
    root = values[-1].grad_fn
    assert reaching(root, {end}) == {node for node in all_nodes(root) if arrives(node, {end})}


def taped(model, x):
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    tape = Tape(names, lambda event, given, output: None)
    with tape:
        output = model(x)
    return output, tape.events


def names_of(events, indices):
    return [events[i].name for i in indices]


def test_every_call_of_a_chain_is_a_cut():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x = torch.randn(5, 3, requires_grad=True)
    output, events = taped(model, x)
    assert names_of(events, cuts(output.grad_fn, events, leaf_node(x))) == ["0", "tanh after 0", "2"]


class Branches(nn.Module):
    def __init__(self, *, skip):
        super().__init__()
        self.first, self.left, self.right, self.last = (nn.Linear(3, 3) for _ in range(4))
        self.skip = skip

    def forward(self, x):
        x = self.first(x)
        other = x if self.skip else self.right(x)
        return self.last(self.left(x) + other)


def test_branches_are_no_cuts():
    for skip in (False, True):
        x = torch.randn(5, 3, requires_grad=True)
        output, events = taped(Branches(skip=skip), x)
        found = names_of(events, cuts(output.grad_fn, events, leaf_node(x)))
        assert [name for name in found if "add" not in name] == ["first", "last"]


class Tokens(nn.Module):
    """Two embeddings, the sum of which goes on."""

    def __init__(self):
        super().__init__()
        self.token, self.place = nn.Embedding(5, 4), nn.Embedding(3, 4)
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        return self.last(F.gelu(self.token(x) + self.place(torch.arange(3))).sum(1))


def test_paths_end_at_embeddings_where_the_input_has_no_gradient():
    output, events = taped(Tokens(), torch.tensor([[0, 1, 2]]))
    found = names_of(events, cuts(output.grad_fn, events, None))
    assert found[-1] == "last"
    assert not {"token", "place"} & set(found)
    assert any(name.startswith("gelu") for name in found)


def test_a_single_embedding_is_the_lowest_cut():
    model = nn.Sequential(nn.Embedding(5, 4), nn.Tanh(), nn.Linear(4, 2))
    output, events = taped(model, torch.tensor([0, 1]))
    assert names_of(events, cuts(output.grad_fn, events, None)) == ["0", "tanh after 0", "2"]


def test_a_path_that_is_cut_ends_at_the_first_call_that_is_reached():
    class Detached(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.last = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2)

        def forward(self, x):
            return self.last(torch.tanh(self.second(self.first(x).detach())))

    x = torch.randn(5, 3, requires_grad=True)
    output, events = taped(Detached(), x)
    found = names_of(events, cuts(output.grad_fn, events, leaf_node(x)))
    assert found == ["second", "tanh after second", "last"]


def test_an_output_without_any_call_has_no_cut():
    x = torch.randn(3, requires_grad=True)
    assert cuts((x * 2).grad_fn, [], leaf_node(x)) == []
    assert cut_nodes((x * 2).grad_fn, []) == []
