"""A Python package with a model in it."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

CONTENT = os.urandom(700_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
REFERENCE = "pypi://tiny-model==1.0/tiny_model/tiny.gguf"
WHEEL = "tiny_model-1.0-py3-none-any.whl"


def make_wheel(
    folder: Path, members: dict[str, bytes], *, requires: str = ">=3.9", packed: bool = False
) -> Path:
    """A wheel as pip wants it."""
    folder.mkdir(exist_ok=True)
    info = "tiny_model-1.0.dist-info"
    metadata = (
        f"Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Python: {requires}\n"
    )
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    compression = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(folder / WHEEL, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")
    return folder / WHEEL
