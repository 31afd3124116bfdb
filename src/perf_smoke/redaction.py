"""What of an input may be published: its text without what looks like a secret.

Inputs stand in result.json and, as the command that measures the same, in the comment. A secret is
known by what stands before it; nobody knows every form, so that the documentation asks for `env:`.
"""

from __future__ import annotations

import re

_NAME = (
    # The tokens of a vocabulary are no secrets.
    r"(?<![\w-])(?![\w-]*(?:eos|bos|pad|unk|sep|cls|stop|mask)[-_]?token)[\w-]*"
    r"(?:api[-_]?key|access[-_]?key|token|secret|passw(?:or)?d|passphrase|credentials?)"
)
_VARIABLE = r"\b(?-i:[A-Z0-9_]*_KEY)"
_HARMLESS = r"""["']?(?:\{\w+\}|\d{1,4}|true|false|on|off|none|(?:bool|int):\w+)(?:["'\s;]|$)"""
"""A placeholder such as `{tokens}`, a small number, a switch."""
_VALUE = rf"""(?!{_HARMLESS})(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+"""
"""One word of a shell, whatever pieces of it are quoted."""

_SECRETS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        # Authorization: Bearer …, also in JSON
        r"""(authorization\\?["']?[ \t]*:[ \t]*\\?["']?)(?:[\w-]+[ \t]+)?[^\s'"\\]+""",
        rf"(authorization=){_VALUE}",
        rf"(\bbearer[ \t]+){_VALUE}",
        # --api-key=…, HF_TOKEN=…, X-Api-Key: …, "password": "…"
        rf"""((?:{_NAME}|{_VARIABLE})\\?["']?[ \t]*[:=][ \t]*){_VALUE}""",
        # --api-key …, also on the next line
        rf"((?=-){_NAME}(?:\s|\\\r?\n)+)(?!-){_VALUE}",
    )
)


def public(text: str) -> str:
    """The text without users, passwords and queries of addresses, and without what is given as a
    key, token, secret or password."""
    text = re.sub(r"(https?://[^\s?]*\?)\S+", r"\1…", without_passwords(text))
    for form in _SECRETS:
        text = form.sub(r"\1***", text)
    return text


def without_passwords(text: str) -> str:
    """The text; addresses in it lose their user and password."""
    return re.sub(r"(\b\w+://)[^/\s@]+@", r"\1***@", text)
