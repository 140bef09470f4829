"""``.pt2`` files: what is saved opens again, and hostile files are refused before any code of theirs runs."""

import io
import json
import os
import pickle
import zipfile
from contextlib import suppress

import numpy as np
import pytest
import torch
from torch import nn

from inscape import network
from inscape._errors import FileFormatError, ModelError, OutputError
from inscape.network._archive import checked_archive
from inscape.testing._untouched import unchanged


class Net(nn.Module):
    """Convolution, statistics, a plain constant and a shape that depends on the batch."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Dropout())
        self.out = nn.Linear(8, 2)
        self.factor = torch.tensor([1.0, 2.0])

    def forward(self, x):
        x = self.features(x)
        x = x.view(2 * x.shape[0], 4).view(x.shape[0], -1)
        return self.out(x) * self.factor


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A good file and its model."""
    torch.manual_seed(0)
    model = Net()
    path = tmp_path_factory.mktemp("pt2") / "net.pt2"
    with unchanged(model):
        network.save_pt2(model, np.ones((1, 1, 4, 4)), path)
    return path, model


def test_round_trip(good):
    path, model = good
    opened = network.load(path)
    x = torch.randn(5, 1, 4, 4)
    with torch.no_grad():
        torch.testing.assert_close(opened(x), model.eval()(x))
        torch.testing.assert_close(opened.train().eval()(x[:1]), model(x[:1]))
    program = network.read(opened)
    reference = network.read(model, x)
    np.testing.assert_array_equal(program.evaluate(x.numpy()), reference.evaluate(x.numpy()))
    assert [layer.operation for layer in program.nodes] == [layer.operation for layer in reference.nodes]
    assert {"features.0", "features.1", "out"} <= {layer.name for layer in program.nodes}


def test_opened_model_is_live(good):
    program = network.read(opened := network.load(good[0]))
    with torch.no_grad():
        for parameter in opened.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(program.evaluate(np.ones((2, 1, 4, 4))), np.zeros((2, 2)))


def test_files_tell_nothing_about_the_machine(good):
    with zipfile.ZipFile(good[0]) as archive:
        graph = archive.read("model/models/model.json").decode()
    assert "stack_trace" not in graph
    assert "/" not in graph


def test_files_of_torch_itself_open(tmp_path):
    path = tmp_path / "own.pt2"
    program = torch.export.export(
        nn.Sequential(nn.Linear(3, 2)), (torch.ones(2, 3),), dynamic_shapes=({0: torch.export.Dim("batch")},)
    )
    torch.export.save(program, path)
    assert network.read(network.load(path)).input_shape == (3,)


def test_a_file_with_a_fixed_batch_is_refused_by_read(tmp_path):
    path = tmp_path / "fixed.pt2"
    torch.export.save(torch.export.export(nn.Sequential(nn.Linear(3, 2)), (torch.ones(2, 3),)), path)
    with pytest.raises(ModelError, match="dynamic batch"):
        network.read(network.load(path), np.ones((2, 3)))


def test_an_example_of_another_shape_is_refused(good):
    with pytest.raises(ModelError, match=r"takes samples of shape \(1, 4, 4\), got an example of shape \(1, 5, 4\)"):
        network.read(network.load(good[0]), np.ones((2, 1, 5, 4)))


class Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def pickled(thing):
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


def rewritten(path, change):
    """The file with its parts changed in place by ``change(parts)``."""
    with zipfile.ZipFile(path) as archive:
        parts = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    change(parts)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(f"model/{name}", content)
    return buffer.getvalue()


def in_graph(edit):
    """A change of the graph's description."""

    def change(parts, marker):
        tree = json.loads(parts["models/model.json"])
        edit(tree, f"__import__('os').mkdir('{marker}')", marker)
        parts["models/model.json"] = json.dumps(tree).encode()

    return change


def in_weights(entry, payload):
    """A change of the first weight's entry and payload."""

    def change(parts, marker):
        place = "data/weights/model_weights_config.json"
        config = json.loads(parts[place])
        first = next(iter(config["config"].values()))
        first.update(entry)
        parts[place] = json.dumps(config).encode()
        parts[f"data/weights/{first['path_name']}"] = payload(marker)

    return change


def nodes(tree):
    return tree["graph_module"]["graph"]["nodes"]


def put(place, content):
    return lambda parts, marker: parts.update({place: content(marker)})


def tree_of(kind, context):
    return json.dumps([1, {"type": kind, "context": context, "children_spec": []}])


def rename_input(tree, code, marker):
    text = json.dumps(tree).replace('{"name": "x"}', json.dumps({"name": f"x=[{code}]"}))
    tree.update(json.loads(text))


def first_size(tree, code, marker):
    sizes = tree["graph_module"]["graph"]["tensor_values"]["x"]["sizes"]
    sizes[0]["as_expr"]["expr_str"] = code


def signature(tree):
    return tree["graph_module"]["module_call_graph"][0]["signature"]


HOSTILE = {
    "pickled samples": put("data/sample_inputs/model.pt", lambda m: pickled(((Touch(m),), {}))),
    "bare pickle as samples": put("data/sample_inputs/model.pt", lambda m: pickle.dumps(((Touch(m),), {}))),
    "pickled weight": in_weights({"use_pickle": True}, lambda m: pickled(Touch(m))),
    "object as weight": in_weights({"path_name": "opaque_obj_0", "use_pickle": True}, lambda m: pickle.dumps(Touch(m))),
    "path out of the archive": in_weights({"path_name": "../../weight_0"}, lambda m: b""),
    "custom object": put("data/constants/custom_obj_0", lambda m: pickle.dumps(Touch(m))),
    "compiled code": put("data/aotinductor/model/model.so", lambda m: b"\x7fELF"),
    "extra file": put("extra/readme.txt", lambda m: b"hello"),
    "operator of the system": in_graph(lambda t, c, m: nodes(t)[0].update(target="torch.os.mkdir")),
    "operator call": in_graph(lambda t, c, m: nodes(t)[0].update(target="_operator.call")),
    "loading operator": in_graph(lambda t, c, m: nodes(t)[0].update(target="torch.hub.load")),
    "operator that writes files": in_graph(lambda t, c, m: nodes(t)[0].update(target="torch.ops.aten.save.default")),
    "foreign operator": in_graph(lambda t, c, m: nodes(t)[0].update(target="torch.ops.evil.run.default")),
    "operator in disguise": in_graph(lambda t, c, m: nodes(t)[0].update(target="torch.ops.aten.add.__class__")),
    "extension operator": in_graph(lambda t, c, m: nodes(t)[0].update(target="#evil:run")),
    "size as code": in_graph(first_size),
    "size by power": in_graph(lambda t, c, m: first_size(t, "9**9**9", m)),
    "size by attribute": in_graph(lambda t, c, m: first_size(t, "Symbol.__class__", m)),
    "input name as code": in_graph(rename_input),
    "node name as code": in_graph(lambda t, c, m: nodes(t)[0].update(name=c)),
    "argument name as code": in_graph(lambda t, c, m: signature(t).update(forward_arg_names=[f"x={c}"])),
    "enumeration in a tree": in_graph(
        lambda t, c, m: signature(t).update(
            out_spec=tree_of("builtins.dict", '[{"__enum__": true, "fqn": "os:mkdir"}]')
        )
    ),
    "class in a tree": in_graph(
        lambda t, c, m: signature(t).update(in_spec=tree_of("collections.defaultdict", '{"default_factory": "os"}'))
    ),
    "no tree": in_graph(lambda t, c, m: signature(t).update(in_spec="[2, 3]")),
    "custom values": in_graph(lambda t, c, m: t["graph_module"]["graph"]["custom_obj_values"].update(a={"name": "a"})),
    "deep nesting": put("models/model.json", lambda m: b'{"graph_module": ' + b"[" * 90 + b"]" * 90 + b"}"),
    "no json": put("models/model.json", lambda m: b"import os"),
    "no graph": put("models/model.json", lambda m: b"[]"),
    "damaged weights": put("data/weights/model_weights_config.json", lambda m: b'{"config": [1]}'),
    "weights that are no json": put("data/weights/model_weights_config.json", lambda m: b"{"),
    "missing weight": lambda parts, m: parts.pop("data/weights/weight_0"),
    "missing graph": lambda parts, m: parts.pop("models/model.json"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_and_run_nothing(name, good, tmp_path):
    marker = tmp_path / "touched"
    data = rewritten(good[0], lambda parts: HOSTILE[name](parts, marker))
    path = tmp_path / "hostile.pt2"
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match=r"hostile\.pt2: .*(refused|no JSON|damaged|missing|no exp|nested|holds)"):
        network.load(path)
    assert not marker.exists()


@pytest.mark.parametrize("name", ["pickled samples", "pickled weight", "size as code"])
@pytest.mark.filterwarnings("ignore")
def test_the_hostile_files_are_real(name, good, tmp_path):
    marker = tmp_path / "touched"
    data = rewritten(good[0], lambda parts: HOSTILE[name](parts, marker))
    with suppress(Exception):  # it runs the code first and fails later
        torch.export.load(io.BytesIO(data))
    assert marker.exists()


def test_guards_and_traces_are_dropped(good, tmp_path):
    marker = tmp_path / "touched"

    def edit(tree, code, _):
        tree["guards_code"] = [code]
        nodes(tree)[0]["metadata"]["source_fn_stack"] = "a,torch.os.mkdir"

    data = rewritten(good[0], lambda parts: in_graph(edit)(parts, marker))
    path = tmp_path / "guarded.pt2"
    path.write_bytes(data)
    network.load(path)(torch.ones(2, 1, 4, 4))
    assert not marker.exists()
    with zipfile.ZipFile(io.BytesIO(checked_archive(data))) as archive:
        text = archive.read("model/models/model.json").decode()
    assert "mkdir" not in text


def test_tensors_that_are_pickled_are_opened(good, tmp_path):
    weight = good[1].features[0].weight
    data = rewritten(
        good[0], lambda parts: in_weights({"use_pickle": True}, lambda m: pickled(weight))(parts, tmp_path)
    )
    path = tmp_path / "pickled.pt2"
    path.write_bytes(data)
    x = torch.randn(2, 1, 4, 4)
    with torch.no_grad():
        torch.testing.assert_close(network.load(path)(x), good[1].eval()(x))


def test_archives_that_are_none(good, tmp_path):
    whole = good[0].read_bytes()
    two_roots = io.BytesIO()
    with zipfile.ZipFile(two_roots, "w") as archive:
        archive.writestr("a/models/model.json", b"{}")
        archive.writestr("b/models/model.json", b"{}")
    for data in (b"", b"PK", whole[: len(whole) // 2], whole[:-30], b"not a zip" * 50, two_roots.getvalue()):
        path = tmp_path / "bad.pt2"
        path.write_bytes(data)
        with pytest.raises(FileFormatError, match=r"bad\.pt2: "):
            network.load(path)
    with pytest.raises(FileFormatError, match="cannot read"):
        network.load(tmp_path / "missing.pt2")


def test_a_consistent_archive_that_torch_cannot_open(good, tmp_path):
    data = rewritten(good[0], lambda parts: in_graph(lambda t, c, m: t.update(schema_version={}))(parts, tmp_path))
    path = tmp_path / "odd.pt2"
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match="passed the check but torch cannot open it"):
        network.load(path)


def test_saving_is_whole_or_not_at_all(good, tmp_path):
    model, example = good[1], np.ones((1, 1, 4, 4))
    with pytest.raises(OutputError, match=r"cannot write .*choose a folder"):
        network.save_pt2(model, example, tmp_path / "nowhere" / "net.pt2")
    with pytest.raises(OutputError, match=r"ends in \.pt2"):
        network.save_pt2(model, example, tmp_path / "net.pt")
    (tmp_path / "taken.pt2").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        network.save_pt2(model, example, tmp_path / "taken.pt2")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken.pt2"]
    with pytest.raises(ModelError, match="could not be traced"):
        network.save_pt2(model, np.ones((1, 3, 4, 4)), tmp_path / "net.pt2")


def test_operators_that_the_check_does_not_know_cannot_be_saved(tmp_path):
    class Inverse(nn.Module):
        def forward(self, x):
            return torch.linalg.inv(x)

    with pytest.raises(ModelError, match="cannot be saved as a file that is safe to open"):
        network.save_pt2(Inverse(), np.eye(2)[None], tmp_path / "net.pt2")
