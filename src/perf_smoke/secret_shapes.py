"""What is a secret by its looks alone, whatever stands before it."""

from __future__ import annotations

import base64
import binascii
import re

HIDDEN = "***"
"""What stands for a secret."""

_GITHUB = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-F]{2}))"
    r"(?:gh[pousr]_[\w-]+(?:\.[\w-]+)*|github_pat_\w+)"
)
_OTHERS = re.compile(
    r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt])|(?<=%[0-9A-F]{2}))(?:"
    r"gl[a-z]{2,6}-[\w-]{8,}(?:\.[\w-]+)*"  # GitLab
    r"|hf_(?:(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{8,}|[a-z]{20,})(?!\w)|api_org_[A-Za-z]{16,}"
    r"|sk-(?:proj|ant|svcacct|admin|or|lf|live|test)-[\w-]{4,}|sk-[\w-]{16,}|sess-[A-Za-z0-9]{20,}"
    r"|(?:xai-|pplx-|gsk_|r8_|lin_api_)[A-Za-z0-9]{16,}|nvapi-[\w-]{16,}"
    r"|xox[a-z]-[\w-]{4,}|xapp-[\w-]{4,}"  # Slack
    r"|AIza[\w-]{16,}|ya29\.[\w.-]+|GOCSPX-[\w-]+"  # Google
    r"|npm_[A-Za-z0-9]{16,}|pypi-(?=[\w-]*[A-Z])(?=[\w-]*[0-9])[\w-]{16,}"
    r"|dckr_[a-z]+_[\w-]+|rubygems_[0-9a-f]{16,}"
    r"|[spr]k_(?:live|test)_\w+|whsec_\w+|SG\.[\w-]{8,}\.[\w-]{8,}|key-[0-9a-f]{32}"
    r"|do[oprt]_v1_\w{16,}|dapi[0-9a-f]{32}|hv[sbr]\.[\w-]{8,}|shp(?:at|ca|pa|ss)_[0-9a-f]{16,}"
    r"|glsa_\w{16,}|sntry[su]_[\w=/+-]{16,}|ATATT3x[\w=-]+|tskey-[\w-]{8,}|figd_[\w-]{16,}"
    r"|AGE-SECRET-KEY-(?:PQ-)?1\w+|SK[0-9a-f]{32}|PMAK-[\w-]{16,}|secret_[A-Za-z0-9]{32,}"
    # AWS: a key's name, and the key beside it
    r"|A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{12,}(?:[\s:,;=|/\"']{1,4}[A-Za-z0-9/+]{40}(?![\w/+=]))?"
    r"|\$(?:2[abxy]|[1567y]|apr1|argon2id?)\$[\w./$=+]{12,}(?:,[\w./$=+]+)*|[0-9]{8,10}:AA[\w-]{30,}"
    r"|eyJ[\w-]{4,}(?:\.[\w-]*){1,4}"  # JWT, JWE
    r")"
)

_KEY_MARK = re.compile(r"-{4,5} ?(BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-{4,5}")
_LINE_END = r"(?:\s|\\+[nrt])+"
_BODY = re.compile(
    rf"(?:{_LINE_END}(?:[A-Z][\w-]{{2,20}}: [^\n\\]*|[A-Za-z0-9+/=]{{20,}}))*"
    rf"(?:{_LINE_END}[A-Za-z0-9+/=]+\Z)?"
)
"""Of a key whose end was cut off."""
_LINE_OF_BODY = re.compile(r"[ \t]*(?:\\+[nrt]|[A-Za-z0-9+/=])*\s*")
_SHORTEST_LINE = 40
"""Characters of it; the last one and one that is cut off may be shorter."""
_LONGEST_KEY = 20_000
MOST_LINES_OF_KEY = 300

_USER = re.compile(
    r"(\b\w+://)(?:[^/\s\"'<>]*|[^/\s\"'<>:@]*:(?![0-9]+(?:/|\Z))[^\s\"'<>@]{1,300})@"
)
_ADDRESS = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
_ORACLE = re.compile(r"(jdbc:oracle:\w{1,10}:)[^\s@]{1,200}@")
_HOOK = re.compile(
    r"((?:hooks\.slack\.com/(?:services|workflows|triggers)"
    r"|discord(?:app)?\.com/api/webhooks|\.webhook\.office\.com"
    r"|api\.telegram\.org/bot|hooks\.zapier\.com/hooks)/?)[^\s\"'<>?]+"
)
_BASIC = re.compile(r"(\bbasic[ \t]+)([A-Za-z0-9+/_-]{6,}={0,2})", re.IGNORECASE)
_BEARER = re.compile(r"(\bbearer[ \t]+)([^\s'\"\\,;]+)", re.IGNORECASE)
_PROSE = re.compile(
    r"tokens?|auth\w*|of|is|was|and|or|the|in|to|scheme|format|headers?|credentials?|required|realm=?"
    r"|type|for|from|with|must|not|has|that|are|as|error|based|plus|as|bonds?|should|if|on|only",
    re.IGNORECASE,
)
"""What follows the word in a sentence about it."""


def without_shapes(text: str) -> str:
    """The text without keys, tokens, users and passwords of addresses, and their queries."""
    if "PRIVATE KEY" in text:
        text = _without_keys(text)
    text = _ORACLE.sub(rf"\1{HIDDEN}@", _USER.sub(rf"\1{HIDDEN}@", text))
    text = _HOOK.sub(rf"\1{HIDDEN}", _ADDRESS.sub(_without_query, text))
    text = _OTHERS.sub(HIDDEN, _GITHUB.sub(HIDDEN, text))
    return _BEARER.sub(_bearer, _BASIC.sub(_basic, text))


def last_key_mark(line: str) -> str:
    """`BEGIN` or `END`, where the last mark of a private key in the line is one; else nothing."""
    marks = _KEY_MARK.findall(line) if "PRIVATE KEY" in line else ()
    return marks[-1] if marks else ""


def _without_query(address: re.Match[str]) -> str:
    before, mark, query = address[0].partition("?")
    return f"{before}?…" if mark and query else address[0]


def _basic(match: re.Match[str]) -> str:
    return f"{match[1]}{HIDDEN}" if _is_login(match[2]) else match[0]


def _is_login(text: str) -> bool:
    """Whether it is `user:password` in base64."""
    bare = text.rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    try:
        content = base64.b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        return False
    return b":" in content and content.decode("utf-8", "replace").isprintable()


def _bearer(match: re.Match[str]) -> str:
    first = re.split(r"[-.,/]", match[2])[0]
    return match[0] if _PROSE.fullmatch(first) else f"{match[1]}{HIDDEN}"


def _without_keys(text: str) -> str:
    """The text without private keys in PEM and its like, those that are cut off included."""
    pieces: list[str] = []
    position = 0
    begun: re.Match[str] | None = None
    for mark in _KEY_MARK.finditer(text):
        whole = begun and mark[1] == "END" and mark.start() - begun.end() < _LONGEST_KEY
        if begun and not whole:
            position = _end_of_body(text, begun.end())
            pieces.append(HIDDEN)
        if mark[1] == "BEGIN":
            pieces.append(text[position : mark.start()])
            position, begun = mark.start(), mark
            continue
        if not whole:
            before = text[position : mark.start()]
            pieces.append(before[: len(before) - _length_of_last(before[-_LONGEST_KEY:])])
        pieces.append(HIDDEN)
        position, begun = mark.end(), None
    if begun:
        position = _end_of_body(text, begun.end())
        pieces.append(HIDDEN)
    return "".join((*pieces, text[position:]))


def _end_of_body(text: str, position: int) -> int:
    body = _BODY.match(text, position)
    return body.end() if body else position


def _length_of_last(text: str) -> int:
    """How much at its end belongs to a key whose beginning was cut off."""
    lines = text.removesuffix("\n").split("\n")
    kept = len(lines)
    for line in reversed(lines):
        short = len(line) < _SHORTEST_LINE and 1 < kept < len(lines)
        if short or not _LINE_OF_BODY.fullmatch(line.removeprefix("…")):
            break
        kept -= 1
    return len(text) - len("\n".join(lines[:kept])) - bool(kept)
