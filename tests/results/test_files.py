"""Result files: what was saved comes back; what was damaged, changed or foreign is refused."""

import io
import json
import pickle
import zipfile
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import inscape
from inscape._errors import FileFormatError, InputTypeError, OutputError
from inscape.geometry import Box, Plane, Segment
from inscape.results import EXACT, Provenance, Result, Status, Verdict, _codec


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample(Result):
    """A result with every sort of field that a file can hold."""

    kind = "sample"
    schema = 2
    works = ("zaslavsky1975",)

    values: np.ndarray
    content: Any = None
    status: Status = EXACT
    provenance: Provenance = field(default_factory=lambda: Provenance(function="test"))
    cache: Any = field(default=None, metadata={"transient": True})

    def facts(self):
        return {"values": self.values.size}


@pytest.fixture(autouse=True)
def _known_kind(monkeypatch):
    monkeypatch.setitem(_codec._KINDS, "sample", f"{__name__}:Sample")


@pytest.fixture
def saved(tmp_path):
    return Sample(values=np.arange(12.0).reshape(3, 4), content={"names": ["a", "b"]}).save(tmp_path / "result.npz")


def same(a, b):
    """Equal in type, structure and bits."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and repr(a) == repr(b)


PLAIN = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text()
ARRAYS = arrays(st.sampled_from([np.float64, np.int32, np.bool_, np.uint64]), array_shapes(min_dims=0, min_side=0))
NAMES = st.text(min_size=1).filter(lambda name: not name.startswith("$"))
TREES = st.recursive(
    PLAIN | ARRAYS, lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(NAMES, inner, max_size=3)
)


@given(content=TREES, values=ARRAYS)
def test_what_was_saved_comes_back(tmp_path_factory, content, values):
    path = Sample(values=values, content=content).save(tmp_path_factory.mktemp("results") / "sample")
    back = inscape.load(path)
    assert type(back) is Sample
    assert same(back.values, values)
    assert same(back.content, content)


@pytest.mark.parametrize(
    "noun",
    [
        Box(low=(0, 0), high=(1, 2)),
        Segment((0, 0), (3, 4)),
        Plane.random(np.zeros((2, 3)), rng=1),
        Status(verdict=Verdict.LIMIT, count=7, detail="max_cells=7"),
    ],
)
def test_nouns_come_back_as_themselves(tmp_path, noun):
    back = inscape.load(Sample(values=np.zeros(1), content=noun).save(tmp_path / "noun")).content
    assert type(back) is type(noun)
    for name in type(noun).__dataclass_fields__:
        assert same(getattr(back, name), getattr(noun, name))


def test_status_and_provenance_come_back(saved):
    back = inscape.load(saved)
    assert back.status == EXACT
    assert back.provenance.function == "test"
    assert back.provenance.versions["inscape"] == inscape.__version__


def test_transient_fields_stay_at_home(tmp_path):
    assert inscape.load(Sample(values=np.zeros(1), cache=object()).save(tmp_path / "x")).cache is None


def test_suffix_is_added_and_full_name_kept(tmp_path):
    assert Sample(values=np.zeros(1)).save(tmp_path / "run.v1").name == "run.v1.npz"


def test_nothing_is_pickled(saved):
    with np.load(saved, allow_pickle=False) as archive:
        header = json.loads(archive["header"].tobytes())
    assert header["format"] == "inscape-result"
    assert header["kind"] == "sample"
    assert header["kind_schema"] == 2


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file_is_refused(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(FileFormatError, match="truncated, damaged or no result file"):
        inscape.load(saved)


def rewritten(path, change, *, seal=True):
    """Write the archive again with changed members, as valid zip and npy files."""
    with np.load(path) as archive:
        members = {name: archive[name] for name in archive.files}
    header = json.loads(members["header"].tobytes())
    change(header, members)
    if seal and "seal" in header:
        header["seal"] = _codec._seal(header)
    members["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    np.savez(path, **members)


def test_changed_array_is_refused(saved):
    def change(header, members):
        members["a/values"] = members["a/values"] + 1

    rewritten(saved, change)
    with pytest.raises(FileFormatError, match="was changed after it was written"):
        inscape.load(saved)


def test_every_flipped_byte_is_noticed_or_harmless(saved):
    content = saved.read_bytes()
    whole = inscape.load(saved).values
    for position in range(0, len(content), 7):
        saved.write_bytes(content[:position] + bytes([content[position] ^ 0x10]) + content[position + 1 :])
        try:
            back = inscape.load(saved)
        except FileFormatError:
            continue
        assert same(back.values, whole)


def test_added_and_missing_arrays_are_refused(saved):
    rewritten(saved, lambda _, members: members.update({"a/extra": np.zeros(2)}))
    with pytest.raises(FileFormatError, match="changed"):
        inscape.load(saved)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda header: header.update(schema=99), "file schema 99, this version reads up to 1; update inscape"),
        (lambda header: header.update(kind_schema=3), "sample schema 3, this version reads up to 2; update inscape"),
        (lambda header: header.update(kind="os:system"), "unknown kind 'os:system'; known:"),
        (lambda header: header.update(format="other"), "not one that this library wrote"),
        (lambda header: header["state"].pop("values"), "lacks or misnames a part"),
        (lambda header: header["state"].update(surprise=1), "lacks or misnames a part"),
        (lambda header: header["state"].update(content={"$type": "os.system", "fields": {}}), "lacks or misnames"),
        (lambda header: header["state"].update(status={"$type": "Status", "fields": {}}), "lacks or misnames"),
        (lambda header: header["state"].update(content={"$array": "absent"}), "lacks or misnames"),
        (lambda header: header["state"].update(content={"$enum": "Verdict", "name": "BEST"}), "lacks or misnames"),
        (lambda header: header.pop("state"), "lacks or misnames"),
        (lambda header: header.pop("schema"), "lacks or misnames"),
        (lambda header: header.pop("kind_schema"), "lacks or misnames"),
        (lambda header: header.update(schema="new"), "lacks or misnames"),
        (lambda header: header.pop("seal"), "lacks or misnames"),
        (lambda header: header.update(sha256=[]), "lacks or misnames"),
        (lambda header: header.update(kind=[]), "lacks or misnames"),
        (lambda header: header.update(state=[]), "lacks or misnames"),
    ],
)
def test_changed_header_is_refused_in_words(saved, change, text):
    rewritten(saved, lambda header, _: change(header))
    with pytest.raises(FileFormatError, match=text):
        inscape.load(saved)


def test_number_changed_in_the_header_is_noticed(saved):
    rewritten(saved, lambda header, _: header["state"].update(content=1), seal=False)
    with pytest.raises(FileFormatError, match="header does not match its seal"):
        inscape.load(saved)


def test_arrays_under_odd_and_equal_names_are_kept_apart(tmp_path):
    content = {"a.b": np.zeros(1), "a": {"b": np.ones(1)}, "x\0y/../z": np.full(1, 2), "x": np.full(1, 3)}
    assert same(inscape.load(Sample(values=np.zeros(1), content=content).save(tmp_path / "x")).content, content)


def test_header_that_is_no_json_is_refused(saved):
    np.savez(saved, header=np.frombuffer(b"{", dtype=np.uint8))
    with pytest.raises(FileFormatError, match="damaged header"):
        inscape.load(saved)


def test_foreign_files_are_refused(tmp_path):
    np.savez(tmp_path / "foreign.npz", a=np.zeros(3))
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "text.npz").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("header", "x")
    for name in ("foreign.npz", "array.npy", "text.npz", "other.npz", "absent.npz"):
        with pytest.raises(FileFormatError, match=name.partition(".")[0]):
            inscape.load(tmp_path / name)


class Bomb:
    """Leaves a trace when it is unpickled."""

    def __reduce__(self):
        return eval, ("__import__('builtins').bombs.append(1)",)


def test_pickles_are_never_opened(tmp_path, monkeypatch):
    import builtins

    monkeypatch.setattr(builtins, "bombs", [], raising=False)
    np.savez(tmp_path / "bomb.npz", header=np.array([Bomb()], dtype=object))
    (tmp_path / "plain.npz").write_bytes(pickle.dumps(Bomb()))
    for name in ("bomb.npz", "plain.npz"):
        with pytest.raises(FileFormatError):
            inscape.load(tmp_path / name)
    assert builtins.bombs == []


@pytest.mark.parametrize("value", [object(), {"deep": [1, {2, 3}]}, {"$type": 1}, np.array([object()]), io.StringIO()])
def test_values_without_a_file_form_are_named_and_nothing_is_written(tmp_path, value):
    with pytest.raises(InputTypeError, match="cannot save content"):
        Sample(values=np.zeros(1), content=value).save(tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(OutputError, match="choose another folder"):
        Sample(values=np.zeros(1)).save(tmp_path / "absent" / "x.npz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failed_write_leaves_the_old_file_whole(saved, monkeypatch, failure):
    before = saved.read_bytes()

    def fail(handle, **_):
        handle.write(b"half of it")
        raise failure

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OutputError if isinstance(failure, OSError) else KeyboardInterrupt):
        Sample(values=np.ones(3)).save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
