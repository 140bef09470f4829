"""Files shipped by installed packages: found by path, checked, parsed once."""

import hashlib
import os
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from logging import getLogger
from pathlib import Path

import numpy as np

from inscape._errors import DataError, DependencyError

_log = getLogger("inscape")


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageFile:
    """A file inside an installed distribution.

    Attributes:
        package: name of the distribution.
        path: path inside the installation, with forward slashes.
        sha256: digest of the file that this library knows how to read.
        extra: the extra of this library that installs the package; empty for a core dependency.
    """

    package: str
    path: str
    sha256: str
    extra: str = "data"


def read_package_file(file: PackageFile) -> bytes:
    """Read a package's file without importing the package.

    Args:
        file: which file of which package.

    Returns:
        The content, whose digest is the expected one.

    Raises:
        DependencyError: if the package is not installed.
        DataError: if the file is missing or is another version.
    """
    try:
        found = distribution(file.package)
    except PackageNotFoundError as error:
        wanted = f"inscape[{file.extra}]" if file.extra else file.package
        raise DependencyError(
            f"this data set is read from the package {file.package!r}, which is not installed; "
            f"write: pip install '{wanted}'"
        ) from error
    try:
        content = Path(str(found.locate_file(file.path))).read_bytes()
    except OSError as error:
        raise DataError(
            f"{file.package} {found.version} is installed, but its file {file.path} cannot be read "
            f"({error.strerror}); write: pip install --force-reinstall {file.package}"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise DataError(
            f"{file.path} of {file.package} {found.version} has SHA-256 {digest[:16]}…, expected {file.sha256[:16]}…; "
            f"the file is damaged or another version: write: pip install --force-reinstall {file.package}"
        )
    return content


def cache_folder() -> Path:
    """The user's cache folder of this library (``XDG_CACHE_HOME`` is respected); it may not exist."""
    named = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else None)
    return (Path(named) if named else Path.home() / ".cache") / "inscape"


def cached(key: str, shape: tuple[int, ...], parse: Callable[[], tuple[np.ndarray, np.ndarray]]) -> tuple:
    """Parse once, then read the arrays from the cache folder.

    A cache that cannot be read or written is no error: the file is parsed again and the log says so (level info).

    Args:
        key: file stem in the cache folder; it must change when the source changes.
        shape: expected shape of the samples; a cache that does not have it is not used.
        parse: gives samples (uint8) and labels.

    Returns:
        Samples (uint8, of ``shape``) and labels (int64).
    """
    path = cache_folder() / f"{key}.npz"
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
            x, y = archive["x"], archive["y"]
        if x.shape == shape and x.dtype == np.uint8 and y.shape == shape[:1] and y.dtype == np.int64:
            return x, y
        _log.info("the cache %s does not hold what was expected; parsing the source again", path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, EOFError, KeyError, TypeError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        _log.info("the cache %s cannot be read (%s); parsing the source again", path, error)
    x, y = parse()
    _store(path, x, y)
    return x, y


def _store(path: Path, x: np.ndarray, y: np.ndarray) -> None:
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as handle:
            temporary = Path(handle.name)
            np.savez_compressed(handle, x=x, y=y)
        temporary.replace(path)
        temporary = None
    except OSError as error:
        _log.info("the cache %s cannot be written (%s); the source is parsed at each load", path, error)
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
