"""Where things are: HASS_EXAMPLES_DATA, HASS_SEARCH (the program), PYTHONPATH (the package)."""

import os
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def data():
    return pathlib.Path(os.environ.get("HASS_EXAMPLES_DATA", ROOT / "examples" / "data"))


@pytest.fixture(scope="session")
def examples():
    return ROOT / "python" / "examples"


@pytest.fixture(scope="session")
def program():
    given = os.environ.get("HASS_SEARCH", "")
    if not given or not os.path.exists(given):
        pytest.skip("no hass_search was built")
    return given
