"""What all tests share. The package is that of ``src``, or the one in the folder that CORTEX_PACKAGE names."""

from __future__ import annotations

import os
import sys
from typing import Any, Iterator

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.environ.get("CORTEX_PACKAGE") or os.path.join(HERE, os.pardir, "src"), HERE, os.path.join(HERE, "unit")]

from twins import Twins  # noqa: E402


@pytest.fixture(params=["blocking", "asyncio"])
def twins(request: Any) -> Iterator[Twins]:
    """Makes clients: each test runs with both kinds."""
    twins = Twins(request.param)
    yield twins
    twins.close()


@pytest.fixture
def config(tmp_path: Any, monkeypatch: Any) -> Any:
    """A folder for an environments file of the test's own."""
    folder = tmp_path / "config"
    monkeypatch.setenv("CORTEX_CLI_CONFIG_DIR", str(folder))
    monkeypatch.delenv("CORTEX_OPERATOR_ENDPOINT", raising=False)
    monkeypatch.delenv("CORTEX_TOKEN", raising=False)
    return folder


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--name", default="", help="only tests with this in their full name, such as Python.unit.test_http.test_split")


def pytest_collection_modifyitems(config: Any, items: Any) -> None:
    """Names as those of the other tests of this repository are given: by a part of the full name."""
    wanted = config.getoption("--name")

    def full(item: Any) -> str:
        return ".".join(["Python", os.path.basename(os.path.dirname(item.path)), item.path.stem, item.name])

    left_out = [item for item in items if wanted not in full(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
