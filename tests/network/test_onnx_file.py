"""ONNX files as data: hostile, damaged and foreign ones are refused, and nothing outside the folder is opened."""

import sys

import numpy as np
import pytest

from inscape import network
from inscape._errors import DependencyError, FileFormatError, InscapeError, ModelError, UnsupportedLayerError
from inscape.network import _onnx_file

WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def onnx():
    import onnx

    return onnx


@pytest.fixture
def edited(onnx_file, onnx):
    """A file of ``y = MatMul(x, w)``, changed by a function of its message."""

    def write(change):
        path = onnx_file("y = MatMul (x, w)", (2,), w=WEIGHT)
        model = onnx.load(path)
        change(model)
        path.write_bytes(model.SerializeToString())
        return path

    return write


def outside(**entries):
    """A change that lets the weight lie in another file."""

    def change(model):
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = 1
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=str(value))

    return change


def test_external_data_beside_the_model(edited):
    path = edited(outside(location="data/weights.bin", offset=4, length=24))
    (path.parent / "data").mkdir()
    (path.parent / "data" / "weights.bin").write_bytes(b"head" + WEIGHT.tobytes() + b"tail")
    found = network.read(network.load(path)).evaluate(np.ones((1, 2)))
    np.testing.assert_array_equal(found, WEIGHT.sum(0)[None])


LOCATIONS = [
    "../secret.bin", "/etc/passwd", "a/../../secret.bin", "", ".", "C:secret.bin", "..\\secret.bin", "link.bin",
    "sub/secret.bin", "nothing.bin", "a\0b",
]  # fmt: skip


@pytest.mark.parametrize("location", LOCATIONS)
def test_external_data_outside_the_folder_are_never_opened(location, edited, monkeypatch):
    path = edited(outside(location=location, length=24))
    inner = path.parent / "inner"
    inner.mkdir()
    path = path.rename(inner / "model.onnx")
    secret = inner.parent / "secret.bin"
    secret.write_bytes(WEIGHT.tobytes())
    (inner / "link.bin").symlink_to(secret)
    (inner / "sub").symlink_to(inner.parent)
    monkeypatch.chdir(inner)
    opened, plain = [], type(path).open

    def watched(self, *rest, **more):
        opened.append(self)
        return plain(self, *rest, **more)

    monkeypatch.setattr(type(path), "open", watched)
    with pytest.raises(FileFormatError, match=r"outside the model's folder; refused|there is no such file"):
        network.load(path)
    assert opened == [path]


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ({"offset": 8}, "cut off in .*weights.bin: 16 of 24 bytes"),
        ({"length": 20}, "has 20 bytes; expected 24"),
        ({"offset": -4}, "the offset of .* is '-4'"),
        ({"offset": "9" * 40}, "the offset of"),
        ({"length": "0x18"}, "the length of"),
    ],
)
def test_external_data_that_do_not_fit(entries, text, edited):
    path = edited(outside(location="weights.bin", **entries))
    (path.parent / "weights.bin").write_bytes(WEIGHT.tobytes())
    with pytest.raises(FileFormatError, match=text):
        network.load(path)


def test_enormous_external_data_are_refused_before_they_are_read(edited):
    def change(model):
        outside(location="weights.bin")(model)
        model.graph.initializer[0].dims[:] = [1 << 20, 1 << 20]

    path = edited(change)
    (path.parent / "weights.bin").write_bytes(WEIGHT.tobytes())
    with pytest.raises(FileFormatError, match="and at most"):
        network.load(path)


def test_external_data_elsewhere_than_in_initialisers_are_refused(edited, onnx):
    def change(model):
        node = onnx.helper.make_node("Constant", [], ["c"], value=onnx.numpy_helper.from_array(WEIGHT, "hidden"))
        tensor = node.attribute[0].t
        tensor.data_location = 1
        tensor.external_data.add(key="location", value="weights.bin")
        model.graph.node.insert(0, node)

    with pytest.raises(FileFormatError, match="'hidden' lies outside the file and is no initialiser"):
        network.load(edited(change))


def test_truncated_files(edited):
    path = edited(lambda model: None)
    whole = path.read_bytes()
    network.load(path)
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(InscapeError):
            network.load(path)


def test_bytes_changed_at_random_end_in_an_error_of_ours_or_in_a_model(edited):
    path = edited(lambda model: None)
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(300):
        changed = whole.copy()
        for place in rng.integers(0, len(whole), rng.integers(1, 4)):
            changed[place] = rng.integers(256)
        path.write_bytes(bytes(changed))
        try:
            outcomes.add(type(network.load(path)).__name__)
        except InscapeError as error:
            outcomes.add(type(error).__name__)
    assert {"OnnxModel", "FileFormatError"} <= outcomes


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"PK\x03\x04 no", b"\xff" * 64, b"not a message"])
def test_foreign_files(content, tmp_path):
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"model\.onnx"):
        network.load(tmp_path / "model.onnx")


def test_a_file_that_is_not_there_or_too_large(tmp_path, monkeypatch):
    with pytest.raises(FileFormatError, match=r"cannot read .*No such file"):
        network.load(tmp_path / "model.onnx")
    (tmp_path / "model.onnx").write_bytes(b"0123456789")
    monkeypatch.setattr(_onnx_file, "_LIMIT", 9)
    with pytest.raises(FileFormatError, match="has 10 bytes; at most 9 are opened"):
        network.load(tmp_path / "model.onnx")


def huge(model):
    model.graph.initializer[0].dims[:] = [1 << 40, 1 << 20]


def mismatched(model):
    model.graph.initializer[0].dims[:] = [3, 3]


def huge_input(model):
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1 << 40


def old(model):
    model.opset_import[0].version = 6


def future(model):
    model.opset_import[0].version = 9999


def future_format(model):
    model.ir_version = 9999


def function(model):
    model.functions.add(name="f", domain="custom")


def undefined(model):
    model.graph.node[0].input[0] = "nothing"


def cycle(model):
    model.graph.node[0].input[0] = "y"


def attribute(model):
    model.graph.node[0].attribute.add(name="axis", type=2, i=3)


def of_text(model):
    model.graph.initializer[0].CopyFrom(
        type(model.graph.initializer[0])(name="w", dims=[1], data_type=8, string_data=[b"a"])
    )


def of_small_floats(model):
    model.graph.initializer[0].data_type = 17
    model.graph.initializer[0].raw_data = bytes(6)


def sparse(model):
    model.graph.sparse_initializer.add().values.CopyFrom(model.graph.initializer[0])


@pytest.mark.parametrize("change", [huge, mismatched, old, future, future_format, function, undefined, cycle, attribute,
                                    of_text, of_small_floats, huge_input])  # fmt: skip
def test_files_that_break_the_rules(change, edited):
    with pytest.raises(FileFormatError, match=r"model\.onnx|do not fit into memory"):
        network.load(edited(change))


def test_sparse_initialisers_are_refused(edited):
    with pytest.raises(InscapeError, match=r"sparse|no valid"):
        network.load(edited(sparse))


def two_inputs(model):
    model.graph.input.add().CopyFrom(model.graph.input[0])
    model.graph.input[1].name = "z"


def two_outputs(model):
    model.graph.output.add().CopyFrom(model.graph.input[0])


def whole_numbers(model):
    model.graph.input[0].type.tensor_type.elem_type = 7
    model.graph.node[0].op_type = "Relu"
    del model.graph.node[0].input[1:]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (two_inputs, r"one input and one output, .* has \['x', 'z'\]"),
        (two_outputs, r"one input and one output, .*\['y', 'x'\]"),
        (whole_numbers, "an input of floating numbers"),
    ],
)
def test_models_that_are_no_function_of_one_floating_tensor(change, text, edited):
    with pytest.raises(ModelError, match=text):
        network.load(edited(change))


def custom(model):
    model.opset_import.add(domain="com.example", version=1)
    model.graph.node[0].domain, model.graph.node[0].op_type = "com.example", "MatMul"


def loop(model):
    model.graph.node[0].op_type = "Loop"


@pytest.mark.parametrize(
    ("change", "text"),
    [(custom, "operator 'com.example.MatMul' of node 'MatMul_0' is not supported"), (loop, "operator 'Loop' of node")],
)
def test_unknown_operators_are_refused_with_a_list_of_the_known(change, text, edited):
    with pytest.raises(UnsupportedLayerError, match=f"{text}.*; supported are Abs, Add, AveragePool"):
        network.load(edited(change))


def test_initialisers_that_old_files_list_as_inputs(edited, onnx):
    def change(model):
        model.ir_version = 3
        model.graph.input.append(onnx.helper.make_tensor_value_info("w", onnx.TensorProto.FLOAT, [2, 3]))

    assert network.read(network.load(edited(change))).output_shape == (3,)


def test_nodes_that_the_output_does_not_need_are_left_out(onnx_file):
    model = network.load(onnx_file("a = Exp (x) b = Log (a) y = Relu (x)", (2,)))
    assert len(list(model.children())) == 1


def test_without_the_package_the_extra_is_named(onnx_file, monkeypatch):
    path = onnx_file("y = Relu (x)", (2,))
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(DependencyError, match=r"needs the package 'onnx'.*pip install 'inscape\[onnx\]'"):
        network.load(path)
