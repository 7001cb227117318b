"""The version of this package, which is the product's.

In a wheel this file holds the number alone; ``build_wheel.py`` writes it. In a checkout it is read from where the whole
product has it.
"""

from __future__ import annotations

import os
import re


def _read() -> str:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 4, "Directory.Build.props")
    with open(path, encoding="utf-8") as file:
        found = re.search(r"<Version>([^<]+)</Version>", file.read())
    if found is None:
        raise RuntimeError(f"{path} has no <Version>")
    return found.group(1)


VERSION = _read()
