"""Builds the wheel, the same bytes from the same files: with pip (PEP 517) or as ``python3 build_wheel.py FOLDER``.

A wheel of plain Python is a zip with three files of metadata, so that nothing needs to be installed to make one.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
import zipfile
from typing import Any, Dict, List, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
PROPS = os.path.join(HERE, os.pardir, os.pardir, "Directory.Build.props")
# The earliest time that a zip can have.
TIME = (1980, 1, 1, 0, 0, 0)


def build_wheel(wheel_directory: str, config_settings: Optional[Dict[str, Any]] = None, metadata_directory: Optional[str] = None) -> str:
    """Writes the wheel into the folder, and gives its file name."""
    version = _version()
    info = f"cortex-{version}.dist-info"
    files: Dict[str, bytes] = {}
    package = os.path.join(HERE, "src", "cortex")
    for name in sorted(os.listdir(package)):
        if name.endswith((".py", ".typed")):
            files[f"cortex/{name}"] = _read(os.path.join(package, name))
    files["cortex/_version.py"] = f'"""The version of this package, which is the product\'s."""\n\nVERSION = "{version}"\n'.encode()
    files[f"{info}/METADATA"] = _metadata(version)
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: cortex\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/LICENSE"] = _read(os.path.join(HERE, os.pardir, os.pardir, "LICENSE"))
    record: List[str] = [f"{name},sha256={_hash(content)},{len(content)}" for name, content in files.items()]
    files[f"{info}/RECORD"] = ("\n".join([*record, f"{info}/RECORD,,"]) + "\n").encode()

    wheel = f"cortex-{version}-py3-none-any.whl"
    os.makedirs(wheel_directory, exist_ok=True)
    path = os.path.join(wheel_directory, wheel)
    with zipfile.ZipFile(f"{path}.tmp", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, compresslevel=9)
    os.replace(f"{path}.tmp", path)
    return wheel


def build_sdist(sdist_directory: str, config_settings: Optional[Dict[str, Any]] = None) -> str:
    """There is none: the version stands outside of this folder."""
    raise RuntimeError("the client is built as a wheel, from a checkout of the whole product")


def _version() -> str:
    found = re.search(r"<Version>([^<]+)</Version>", _read(PROPS).decode())
    if found is None:
        raise RuntimeError(f"{PROPS} has no <Version>")
    return found.group(1)


def _metadata(version: str) -> bytes:
    head = f"""Metadata-Version: 2.1
Name: cortex
Version: {version}
Summary: Deploy and call containers as HTTP APIs: the Python client of Cortex for .NET
License: Apache-2.0
Requires-Python: >=3.8
Classifier: Programming Language :: Python :: 3
Classifier: Operating System :: POSIX
Classifier: Typing :: Typed

Deploys APIs to a Cortex cluster, calls them, submits requests and jobs, and waits for what comes of them. Programs written for
the Python client of Cortex 0.42 run unchanged. docs/guide/python-client.md of the product describes it.
"""
    return head.encode()


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    print(build_wheel(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, os.pardir, os.pardir, "artifacts")))
