"""The user's own files, good and bad."""

import gzip
import pickle
import struct
import sys
import tarfile

import numpy as np
import pytest
import torch

from inscape import data
from inscape._errors import DataError, FileFormatError

X = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
Y = np.array([0, 1, 2, 1, 0], dtype=np.uint8)
CODES = {"u1": 8, "i1": 9, ">i2": 11, ">i4": 12, ">f4": 13, ">f8": 14}


def idx_bytes(array):
    code = next(value for key, value in CODES.items() if np.dtype(key) == array.dtype)
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("labels_packed", [False, True])
def test_idx_finds_its_labels(tmp_path, packed, labels_packed):
    names = [
        f"train-{stem}-ubyte" + ".gz" * flag for stem, flag in (("images-idx3", packed), ("labels-idx1", labels_packed))
    ]
    for name, array in zip(names, (X, Y), strict=True):
        content = idx_bytes(array)
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    for path in (tmp_path / names[0], tmp_path):
        x, y = data.load(f"idx:{path}")
        assert torch.equal(x, torch.from_numpy(X)[:, None] / 255)
        assert y.tolist() == Y.tolist()
        assert y.dtype == torch.int64
    assert data.load(f"idx:{tmp_path / names[0]}", flat=True)[0].shape == (5, 12)


@pytest.mark.parametrize("dtype", list(CODES))
def test_idx_types(tmp_path, dtype):
    (tmp_path / "a").write_bytes(idx_bytes(np.arange(6).reshape(3, 2).astype(dtype)))
    (tmp_path / "b").write_bytes(idx_bytes(np.array([0, 1, 1], dtype="u1")))
    x, _ = data.load(f"idx:{tmp_path / 'a'}", labels=str(tmp_path / "b"))
    scale = 255 if dtype == "u1" else 1
    torch.testing.assert_close(x * scale, torch.arange(6).reshape(3, 2).float())


@pytest.mark.parametrize("damage", [lambda b: b[:10], lambda b: b"\x01" + b[1:], lambda b: b"", lambda b: b + b"\0"])
def test_damaged_idx_is_named(tmp_path, damage):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(damage(idx_bytes(X)))
    with pytest.raises(FileFormatError, match="train-images-idx3-ubyte"):
        data.load(f"idx:{path}")


def test_truncated_gzip_is_named(tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(idx_bytes(X))[:-12])
    with pytest.raises(FileFormatError, match="truncated"):
        data.load(f"idx:{path}")


def test_missing_parts_of_idx(tmp_path):
    with pytest.raises(DataError, match="no file"):
        data.load(f"idx:{tmp_path / 'nothing'}")
    with pytest.raises(DataError, match="train-images"):
        data.load(f"idx:{tmp_path}")
    (tmp_path / "images").write_bytes(idx_bytes(X))
    with pytest.raises(DataError, match="labels=PATH"):
        data.load(f"idx:{tmp_path / 'images'}")


@pytest.mark.parametrize("names", [("x", "y"), ("X_train", "y_train"), ("images", "labels"), ("arr_0", "arr_1")])
def test_npz_by_the_usual_names(tmp_path, names):
    path = tmp_path / "own data.npz"
    np.savez(path, **dict(zip(names, (X, Y), strict=True)))
    x, y = data.load(f"npz:{path}")
    assert torch.equal(x, torch.from_numpy(X) / 255)
    assert y.tolist() == Y.tolist()


def test_npz_by_given_names_and_floats_stay(tmp_path):
    values = np.linspace(-3, 3, 10).reshape(5, 2)
    np.savez(tmp_path / "a.npz", points=values, target_values=values[:, 0])
    x, y = data.load(f"npz:{tmp_path / 'a.npz'}", samples="points", labels="target_values")
    torch.testing.assert_close(x, torch.from_numpy(values).float())
    assert y.dtype == torch.float64
    with pytest.raises(DataError, match="has arrays points, target_values"):
        data.load(f"npz:{tmp_path / 'a.npz'}")
    with pytest.raises(DataError, match="no array 'z'"):
        data.load(f"npz:{tmp_path / 'a.npz'}", samples="z")


def test_bad_npz(tmp_path):
    path = tmp_path / "a.npz"
    with pytest.raises(DataError, match="no file"):
        data.load(f"npz:{path}")
    np.savez(path, x=np.array([None, 1]), y=Y)
    with pytest.raises(FileFormatError, match="objects"):
        data.load(f"npz:{path}")
    np.savez(path, x=X, y=Y)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FileFormatError, match="damaged"):
        data.load(f"npz:{path}")
    np.save(tmp_path / "bare.npy", X)
    with pytest.raises(FileFormatError, match="bare array"):
        data.load(f"npz:{tmp_path / 'bare.npy'}")
    np.savez(path, x=np.array(["a", "b"]), y=Y[:2])
    with pytest.raises(DataError, match="numbers"):
        data.load(f"npz:{path}")


@pytest.fixture
def cifar_folder(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    source = np.random.default_rng(0)
    truth = {}
    for name in ("data_batch_1", "data_batch_2", "test_batch"):
        x = source.integers(0, 256, (4, 3072), dtype=np.uint8)
        truth[name] = x
        content = {b"data": x, b"labels": [0, 1, 2, 3], b"batch_label": b"text"}
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
    (folder / "batches.meta").write_bytes(pickle.dumps({b"label_names": [b"a"]}))
    return folder, truth


def test_cifar_folder_archive_and_single_file(cifar_folder, tmp_path):
    folder, truth = cifar_folder
    with tarfile.open(tmp_path / "cifar.tar.gz", "w:gz") as archive:
        archive.add(folder, arcname="cifar-10-batches-py")
    expected = np.concatenate([truth["data_batch_1"], truth["data_batch_2"]]).reshape(8, 3, 32, 32) / np.float32(255)
    for path in (folder, tmp_path / "cifar.tar.gz"):
        x, y = data.load(f"cifar:{path}")
        assert torch.equal(x, torch.from_numpy(expected))
        assert y.tolist() == [0, 1, 2, 3] * 2
    assert len(data.load(f"cifar:{folder}", part="test")[0]) == 4
    assert len(data.load(f"cifar:{folder / 'data_batch_2'}")[0]) == 4


def test_bad_cifar(cifar_folder, tmp_path):
    folder, _ = cifar_folder
    with pytest.raises(DataError, match="part='train' or 'test'"):
        data.load(f"cifar:{folder}", part="all")
    with pytest.raises(DataError, match="no file or folder"):
        data.load(f"cifar:{folder}x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no train batch"):
        data.load(f"cifar:{tmp_path / 'empty'}")
    (folder / "data_batch_2").write_bytes(pickle.dumps({b"data": np.zeros((2, 5), np.uint8), b"labels": [0, 1]}))
    with pytest.raises(FileFormatError, match="no batch of CIFAR"):
        data.load(f"cifar:{folder}")
    (folder / "data_batch_2").write_bytes(pickle.dumps(tarfile.open))
    with pytest.raises(FileFormatError, match="not opened further"):
        data.load(f"cifar:{folder}")


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "own_inscape_data.py").write_text(
        "import torch\n"
        "def pair(): return torch.eye(3, dtype=torch.float64), [0, 1, 2]\n"
        "def good(): return torch.eye(3, dtype=torch.float64), torch.tensor([0, 1, 2], dtype=torch.int16)\n"
        "def single(): return 3\n"
        "def one_class(): return torch.eye(2), torch.zeros(2, dtype=torch.long)\n"
        "value = 3\n"
    )
    (tmp_path / "own_inscape_broken.py").write_text("import no_such_module_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("own_inscape_data", "own_inscape_broken"):
        sys.modules.pop(name, None)


def test_factory(own_module):
    x, y = data.load("own_inscape_data:good")
    assert torch.equal(x, torch.eye(3))
    assert y.dtype == torch.int64


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("own_inscape_data:nothing", "no function 'nothing'"),
        ("own_inscape_data:value", "is no function"),
        ("own_inscape_data:single", "must return a pair"),
        ("own_inscape_data:pair", "expected y as a tensor"),
        ("own_inscape_data:one_class", "all 2 samples are of class 0"),
        ("no_such_module_of_mine:f", "no module 'no_such_module_of_mine'"),
    ],
)
def test_bad_factories_are_named(own_module, name, words):
    with pytest.raises(DataError, match=words):
        data.load(name)


def test_module_that_fails_to_import_says_so_itself(own_module):
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        data.load("own_inscape_broken:f")
