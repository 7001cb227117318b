"""The cluster of the tests, and what is deployed to it."""

from __future__ import annotations

import glob
import os
import shutil
import sys
import tempfile
from typing import Any, Iterator

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cortex  # noqa: E402
from clusters import EXECUTABLE, HERE, IMAGE, Cluster, api, run, task  # noqa: E402
from cortex.environments import Environment  # noqa: E402


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

