"""Fixtures that every test shares; nothing heavy is imported here."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib
os.environ.pop("COLUMNS", None)  # set where tests run side by side; a pipe has no width
from tests.support.tree import ROOT


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the clone."""
    return ROOT


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    """Leave no open figure behind: matplotlib keeps every one alive."""
    yield
    import sys

    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
