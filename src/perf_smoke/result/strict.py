"""What every part of the document is: read strictly, or refused."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypeAlias

Ours: TypeAlias = Annotated[str, "ours"]
"""A key, a hash, a moment: no value of a secret is looked for in it (`redaction.py`), for one may
stand there by chance."""


class Strict:
    """A part of the document. When it is read, nothing may be of another type, too much or NaN."""

    __pydantic_config__: ClassVar[Any] = {
        "extra": "forbid",
        "strict": True,
        "allow_inf_nan": False,
    }
