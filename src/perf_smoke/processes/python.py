"""How a Python of our own is started, so that nothing of the caller's decides what it imports."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

ISOLATED = (sys.executable, "-I")
"""Without the current folder, the user's packages and every PYTHON… variable."""
_WAY_TO_THE_INDEX = re.compile(
    r"PIP_(INDEX_URL|EXTRA_INDEX_URL|NO_INDEX|FIND_LINKS|TRUSTED_HOST|PROXY|CERT|CLIENT_CERT"
    r"|CONFIG_FILE|KEYRING_PROVIDER|(DEFAULT_)?TIMEOUT|RETRIES)"
)


def isolated(environment: Mapping[str, str]) -> dict[str, str]:
    """What it, and what it starts, may see: no PYTHON… variable, and of pip's only those that say
    where the index is and how it is reached."""
    return {
        name: text
        for name, text in environment.items()
        if not name.startswith("PYTHON")
        and (not name.startswith("PIP_") or _WAY_TO_THE_INDEX.fullmatch(name))
    }
