"""A real cluster: the published executable, on ports and with a folder of its own, and containers in Docker."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from typing import Any, Dict, Iterator

import pytest

import cortex
from cortex.environments import Environment

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


@pytest.fixture(scope="session")
def image() -> str:
    """Python of this machine in an image, without a registry; with app.py, and with the client as a container would have it."""
    folder = tempfile.mkdtemp(prefix="cortex-py-image-")
    try:
        root = os.path.join(folder, "root")
        python = os.path.realpath("/usr/bin/python3")
        library = f"/usr/lib/{os.path.basename(python)}"
        shutil.copytree(library, root + library, symlinks=True, ignore=shutil.ignore_patterns("test", "__pycache__", "config-*", "idlelib", "tkinter", "lib2to3", "*.a"))
        os.makedirs(f"{root}/usr/bin")
        shutil.copy(python, f"{root}/usr/bin/python3")
        libraries = set()
        for file in [python, *glob.glob(f"{library}/lib-dynload/*.so")]:
            for line in run("ldd", file).splitlines():
                libraries.update(word for word in line.split() if word.startswith("/"))
        for each in libraries:
            os.makedirs(os.path.dirname(root + each), exist_ok=True)
            shutil.copy(each, root + each)
        shutil.copytree(os.path.dirname(os.path.abspath(cortex.__file__)), f"{root}/client/cortex", ignore=shutil.ignore_patterns("__pycache__"))
        # In a checkout the version stands outside of the package.
        with open(f"{root}/client/cortex/_version.py", "w", encoding="utf-8") as file:
            file.write(f'VERSION = "{cortex.__version__}"\n')
        shutil.copy(os.path.join(HERE, "app.py"), f"{root}/app.py")
        with open(os.path.join(folder, "Dockerfile"), "w", encoding="utf-8") as file:
            file.write('FROM scratch\nCOPY root /\nENV PYTHONPATH=/client PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8\nCMD ["/usr/bin/python3", "/app.py"]\n')
        run("docker", "build", "-q", "-t", IMAGE, folder)
    finally:
        shutil.rmtree(folder)
    return IMAGE


@pytest.fixture(scope="session")
def cluster(image: str) -> Iterator[Cluster]:
    """The cluster of all tests."""
    assert os.access(EXECUTABLE, os.X_OK), f"{EXECUTABLE} is missing; run ./build.sh first (./test.sh does), or set CORTEX_BIN"
    cluster = Cluster()
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()


@pytest.fixture
def home(cluster: Cluster, monkeypatch: Any) -> Cluster:
    """The cluster, with its environments file as the one that is used."""
    monkeypatch.setenv("CORTEX_CLI_CONFIG_DIR", cluster.directory)
    monkeypatch.delenv("CORTEX_OPERATOR_ENDPOINT", raising=False)
    monkeypatch.delenv("CORTEX_TOKEN", raising=False)
    return cluster


@pytest.fixture
def client(home: Cluster, twins: Any) -> Any:
    """A client of the cluster; each test runs with both kinds."""
    return twins.named()


@pytest.fixture(scope="session")
def deployed(cluster: Cluster) -> Cluster:
    """One API of each kind: hello, texts, score and train."""
    with cortex.Client(Environment(cluster.name, cluster.operator, cluster.token)) as client:
        client.deploy_all(
            [
                api("hello", env={"GREETING": "Grüße 😀"}),
                api("texts", "AsyncAPI", autoscaling={"max_replicas": 1}),
                api("score", "BatchAPI", command=["/usr/bin/python3", "/app.py"]),
                task("train", "import json; job = json.load(open('/cortex/spec/job.json')); print('rate', job['config']['rate'])"),
            ],
            wait=True,
        )
    return cluster

