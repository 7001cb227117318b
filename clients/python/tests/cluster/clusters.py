"""A real cluster: the published executable, on ports and with a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from typing import Any, Dict

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, *[os.pardir] * 4))
EXECUTABLE = os.environ.get("CORTEX_BIN") or os.path.join(ROOT, "artifacts", "cortex")
IMAGE = "cortex-python-client-test:1"


def run(*command: Any, **more: Any) -> str:
    """Runs a program that must succeed, and gives what it printed."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, **more)
    assert result.returncode == 0, f"{command} ended with {result.returncode}:\n{result.stdout}\n{result.stderr}"
    return result.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Any, what: str, seconds: float = 60) -> Any:
    """Waits for a condition, and gives what made it true."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"after {seconds} s: {what}"
        time.sleep(0.1)


class Cluster:
    """A cluster on this machine."""

    def __init__(self) -> None:
        self.name = "py-" + uuid.uuid4().hex[:8]
        self.directory = tempfile.mkdtemp(prefix="cortex-py-")
        self.operator = f"http://127.0.0.1:{free_port()}"
        self.apis = f"http://127.0.0.1:{free_port()}"
        self._file = os.path.join(self.directory, "cluster.yaml")
        with open(self._file, "w", encoding="utf-8") as file:
            file.write(
                f"cluster_name: {self.name}\noperator: {{port: {self.operator.rpartition(':')[2]}}}\napis: {{port: {self.apis.rpartition(':')[2]}}}\n"
                "limits: {termination_grace: 5s}\njobs: {termination_grace: 2s, max_items: 1000000}\n"
            )

    @property
    def token(self) -> str:
        with open(os.path.join(self.directory, "clusters", self.name, "token"), encoding="utf-8") as file:
            return file.read().strip()

    @property
    def process_id(self) -> int:
        with open(os.path.join(self.directory, "clusters", self.name, "server.pid"), encoding="utf-8") as file:
            return int(file.read())

    def cli(self, *arguments: Any) -> str:
        """Runs the command line."""
        return run(EXECUTABLE, *arguments, env={**os.environ, "CORTEX_CLI_CONFIG_DIR": self.directory}, cwd=self.directory)

    def up(self) -> None:
        self.cli("cluster", "up", self._file)

    def down(self) -> None:
        self.cli("cluster", "down", "-y")
        shutil.rmtree(self.directory)


def api(name: str, kind: str = "RealtimeAPI", **more: Any) -> Dict[str, Any]:
    """An API that does what app.py does."""
    container: Dict[str, Any] = {"name": "api", "image": IMAGE, "compute": {"cpu": "20m"}}
    for key in ("env", "command", "image"):
        if key in more:
            container[key] = more.pop(key)
    return {"name": name, "kind": kind, "pod": {"containers": [container], **({} if kind == "TaskAPI" else {"port": 8080})}, **more}


def task(name: str, code: str, **more: Any) -> Dict[str, Any]:
    """A task that runs Python code."""
    return api(name, "TaskAPI", command=["/usr/bin/python3", "-c", code], **more)
