"""Set-up of the whole suite: shapes and types are checked at every call, figures need no screen."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import beartype._check.code.codemain as beartype_code
import pytest
from beartype import BeartypeConf, beartype
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

SOURCE = Path(__file__).parents[1] / "src"
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2", "MPLBACKEND": "Agg"}


def check_types(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function by beartype; ``Self`` is meaningful to it on whole classes only, so it is left out.

    An int may stand for a float. Where a test gives a wrong type on purpose, ``inspect.unwrap`` reaches the function
    that a user calls.
    """
    hints = getattr(function, "__annotations__", {})
    hints.update({name: Any for name, hint in hints.items() if "typing.Self" in str(hint)})
    return beartype(function, conf=BeartypeConf(is_pep484_tower=True))


def hooked_modules() -> list[str]:
    """Every module but packages (a hook on one covers what is inside it) and numba kernels (a hook breaks them)."""
    files = (SOURCE / "inscape").rglob("*.py")
    modules = [file.relative_to(SOURCE).with_suffix("") for file in files]
    return sorted(".".join(m.parts) for m in modules if m.name != "__init__" and not m.name.startswith("_kernels"))


for _variable, _value in ENVIRONMENT.items():  # torch, numba and matplotlib read these when they are imported
    os.environ.setdefault(_variable, _value)
beartype_code.getrandbits = Random(0).getrandbits  # it samples containers, and must not move Python's random state
_checker = ModuleType("inscape_checker")
_checker.__dict__["check_types"] = check_types
sys.modules["inscape_checker"] = _checker
install_import_hook(hooked_modules(), "inscape_checker.check_types")

settings.register_profile("inscape", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("inscape")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip browser tests by name where there is no Chromium, unless the environment asks for them."""
    if shutil.which("chromium") or os.environ.get("INSCAPE_REQUIRE_BROWSER") == "1":
        return
    reason = pytest.mark.skip(reason="no Chromium on the PATH; INSCAPE_REQUIRE_BROWSER=1 makes this an error")
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium, as a playwright ``Browser``."""
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium")
    assert executable, "INSCAPE_REQUIRE_BROWSER=1, but there is no Chromium on the PATH; install Debian's chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True)
        yield browser
        browser.close()
