"""What all tests share. The package is that of ``src``, or the wheel that CORTEX_WHEEL names."""

from __future__ import annotations

import os
import sys
from typing import Any, Iterator

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.environ.get("CORTEX_WHEEL") or os.path.join(HERE, os.pardir, "src"), HERE, os.path.join(HERE, "unit")]

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
