"""Every backend as a fixture, and task functions that workers can import."""

import sys
from collections.abc import Iterator
from pathlib import Path

import joblib
import pytest

if (here := str(Path(__file__).parent)) not in sys.path:
    sys.path.insert(0, here)  # before worker processes start, which get this path, too

from places import local_cluster


@pytest.fixture(scope="module")  # no longer: its threads draw from Python's global generator
def client() -> Iterator[object]:
    with local_cluster() as client:
        yield client


@pytest.fixture(params=["serial", "loky", "threading", "multiprocessing", "dask"])
def backend(request) -> Iterator[str]:
    """Every backend in turn, configured as a user would."""
    name = request.param
    if name == "dask":
        request.getfixturevalue("client")
    options = {} if name == "serial" else {"backend": name} | ({} if name == "dask" else {"n_jobs": 2})
    with joblib.parallel_config(**options):
        yield name


@pytest.fixture
def loky() -> Iterator[None]:
    with joblib.parallel_config(backend="loky", n_jobs=2):
        yield


@pytest.fixture
def dask(client) -> Iterator[object]:
    with joblib.parallel_config(backend="dask"):
        yield client
