"""The examples of the guide do what they say."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys

import pytest
from clusters import IMAGE, ROOT, Cluster, api

import cortex

with open(os.path.join(ROOT, "docs", "guide", "python-client.md"), encoding="utf-8") as _file:
    PAGE = _file.read()
with open(os.path.join(ROOT, "clients", "python", "README.md"), encoding="utf-8") as _file:
    README = _file.read()


def test_every_example_of_the_page(deployed: Cluster, home: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    """One after the other, as a reader would run them."""
    names = {"IMAGE": IMAGE}
    examples = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 9
    for example in examples:
        exec(compile(example, "python-client.md", "exec"), names)
    said = capsys.readouterr().out
    for words in ("did you mean `image`?", "{'said': {'name': 'you'}", "succeeded", "10 of 10", "rate 0.1", "200\n"):
        assert words in said, said
    with cortex.client() as client:
        client.delete("greeter")


def test_example_for_containers_is_the_one_of_a_test(deployed: Cluster, home: Cluster) -> None:
    """Inside a container it runs as it stands."""
    example = re.search(r"^```python no-test\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert example is not None
    code = "import cortex\n" + example.group(1).replace("greeter", "hello")
    with cortex.client() as client:
        client.deploy({"name": "page", "kind": "TaskAPI", "pod": {"containers": [{"name": "main", "image": IMAGE, "command": ["/usr/bin/python3", "-c", code]}]}})
        client.jobs("page").wait(client.jobs("page").submit().job_id, timeout=240, check=True)
        client.delete("page")


def test_example_of_the_readme(deployed: Cluster, home: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    example = re.search(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert example is not None
    exec(compile(example.group(1).replace("1_000_000", "1_000").replace('"long"', '"short"'), "README.md", "exec"), {})
    assert capsys.readouterr().out.endswith("succeeded\n")


def test_commands_of_the_page(deployed: Cluster, home: Cluster, tmp_path: object) -> None:
    block = re.search(r"^## From a shell\n\n```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert block is not None
    folder = str(tmp_path)
    with open(os.path.join(folder, "cortex.yaml"), "w", encoding="utf-8") as file:
        json.dump([api("greeter")], file)
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(cortex.__file__))}
    for line in block.group(1).splitlines():
        words = shlex.split(line)
        assert words[:3] == ["python3", "-m", "cortex"]
        result = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, cwd=folder, env=environment, timeout=120)
        assert result.returncode == 0, f"{line}: {result.stderr}"
