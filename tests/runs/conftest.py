"""Backends, a cluster on this machine, and task functions that workers can import."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import joblib
import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)  # worker processes get this path, too
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([HERE, os.environ.get("PYTHONPATH", "")])}


@contextmanager
def local_cluster(workers: int = 2) -> Iterator[object]:
    """A dask cluster of real processes, silent, with its client as the current one."""
    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


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
