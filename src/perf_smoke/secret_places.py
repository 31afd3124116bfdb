"""Where in a text a secret stands that a name leads to: `--token …`, `api_key: "…"`, `-u me:…`.

Each name is looked at once and what it leads to is passed over, so that the time grows with the
length of the text and no faster.
"""

from __future__ import annotations

import re

from perf_smoke.secret_names import Standing, standing
from perf_smoke.secret_shapes import HIDDEN

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PERHAPS = re.compile(
    r"pass|pwd|pw|psw|token|secret|key|cred|auth|cookie|pat|sig|jwt|otp|pin", re.IGNORECASE
)
"""Some of this is in each name of a secret: quicker than to ask for its words."""
_SPOKEN_BEFORE = re.compile(r"([A-Za-z]{1,24})[ \t]\Z")
_LINE_BEGINS = re.compile(r"(?:^|\n)[ \t]*(?:- )?\Z")

# How a name leads to its value.
_ASSIGNED = re.compile(
    r"""(?P<quote>\\*["'`])?\]?(?P<gap>[ \t]*)"""
    r"""(?P<sign>:=|=>|->|=(?![=~])|:(?![:/])|%3[ADad])(?P<space>[ \t]*)"""
)
_IN_A_PAIR = re.compile(
    r"""\\*["']?[,;]?\s*(?:-[ \t]+)?\\*["']?value\\*["']?[ \t]*[:=][ \t]*""", re.IGNORECASE
)
"""`name: API_KEY`, and then `value: …`."""
_NEXT_ARGUMENT = re.compile(
    r"""(?:\s|\\\r?\n)+(?:-[ \t]+)?(?!-)|\\*["'],\s*(?=\\*["'][^-"'])"""  # … of a list of them
)
_IN_AN_ELEMENT = re.compile(r">(?=[^<\s])")
_NEXT_WORD = re.compile(r"\s+(?=\S)")
_ORDERS = ("ENV", "ARG", "setenv")
_SETTERS = ("set", "-x", "-gx")
_OF_A_PROGRAM = re.compile(r"[A-Z_-]")
"""Prose has no such names: `to set token counts`."""
_LOGINS = ("login", "machine", "account")
"""Words of a netrc: `login me password …`."""

# What is no secret where one might stand.
_END = r"""\\*["'`]?(?:[\s,;:)\]}&|>]|\.?\Z|\.\s)"""
_UNIT = r"(?:\.\d+)?(?:e[-+]?\d+)?(?:%|[nmuµ]?s|[KMGT]i?B)?"
_WORDS = (
    r"true|false|on|off|yes|no|none|null|nil|undefined|auto|default|unset|empty|required|optional"
    r"|missing|expired|ok|redacted|\*+\w{0,4}|<[^<>\n]{0,60}>|\{[\w.]+\}|(?:bool|int):\w+"
    r"|not (?:set|found|given|needed|used|required|provided)|\((?:none|hidden|empty)\)|…"
    r"|&?(?:mut )?(?:str|string|[ui](?:8|16|32|64|size)|int|float|bool|bytes|char|option<.{1,40}>)"
)
_HARMLESS = re.compile(
    rf"""(?:\\*["'`])?(?:[-+]?[0-9]{{1,4}}{_UNIT}|{_WORDS}){_END}|\(\?P<|[\[{{](?:\s|\Z)|[\[{{][\[{{]""",
    re.IGNORECASE,
)
_NUMBER_OF_A_TOKEN = re.compile(rf"""(?:\\*["'`])?[-+]?[0-9]{{1,7}}{_UNIT}{_END}""")
"""In a vocabulary, or a time for each."""
_EXPRESSION = re.compile(
    r"&?[A-Za-z_]\w*(?:(?:\.|->|::)\w+)*(?:\((?:[^()\n]{0,60}\)(?=[;?.])|\)(?=\s|\Z))|\[-?\w{1,20}\])"
)
"""A line of code, with spaces around its sign."""
_STAND_IN = re.compile(
    r"(?:API_?KEY|KEY|(?:HF_)?TOKEN|SECRET|PASS(?:WD|WORD)?|PAT|CREDENTIALS|VALUE|STR(?:ING)?|TEXT"
    r"|F(?:ILE)?NAME|FILE|PATH|USER(?::PASS(?:WORD)?)?)(?=[\s,)\]]|\Z)"
)
"""What the help of a program writes behind an option."""

# How far a value goes.
_LONGEST = 8192
"""Characters between two quotes."""
_PIECE = re.compile(
    rf"""\$?'[^']{{0,{_LONGEST}}}'|"(?:\\.|[^"\\]){{0,{_LONGEST}}}"|(?:\\.|[^\s'"\\])+""", re.DOTALL
)
"""Of a word as a shell has it."""
_QUOTE = re.compile(r"""\\*["']""")
_ESCAPED_QUOTE = re.compile(r"""\\+["']""")
_LIST = re.compile(rf"\[[^\[\]\n]{{0,{_LONGEST}}}\]")
_PUNCTUATION = re.compile(r"[,;:)}\]&|>]+")
_BLOCK = re.compile(r"[|>][-+0-9]{0,3}[ \t]*\r?\n")

# Options that are no names.
_WORD = r"""(?:'[^'\n]*'|"[^"\n]*"|[^\s'"]+)"""
_LOGIN = re.compile(
    r"""((?<![\w-])(?:-[uUa]|--(?:proxy-)?user)(?:[ \t]+|=|\\*["'],\s*)\\*["']?"""
    r"""(?!\d+:\d+(?:\W|\Z))[^\s:"'=/]{1,100}:)(?!/)(?:[^\s"'\\]+)"""
)
_LOGGING_IN = (
    r"(?:docker|podman|nerdctl|buildah|skopeo|helm|oras|crane|az|oc|cf)(?: [\w-]+){0,2} login"
)
_ARGUMENTS = tuple(
    (re.compile(rf"(?<![\w.-])(?:{program})(?!\w)"), re.compile(rf"(?<!\S)({option}){_WORD}"))
    for program, option in {
        _LOGGING_IN: r"-p[ \t=]*",
        r"sshpass|mongo\w*|twine|7z\w?|u?n?rar": r"-p[ \t]*",
        r"mysql\w*|mariadb[\w-]*": r"-p",
        r"redis-(?:cli|benchmark)": r"-a[ \t]+",
        r"ldap\w+": r"-w[ \t]*",
        r"(?:un)?zip|sqlcmd|bcp": r"-P[ \t]*",
        r"curl": r"-b[ \t]*",
        r"openssl": r"-(?:pass(?:in|out)?[ \t]+pass:|k[ \t]+)",
    }.items()
)
"""Of which programs what short option holds a password."""


def without_named(text: str) -> str:
    """The text without what is given as a key, token, secret or password."""
    text = _without_arguments(_LOGIN.sub(rf"\1{HIDDEN}", text))
    pieces: list[str] = []
    kept = position = 0
    while name := _NAME.search(text, position):
        position = name.end()
        if _PERHAPS.search(name[0]) and (place := _place(text, name)):
            pieces += (text[kept : place.start], HIDDEN)
            kept = position = place.stop
    return "".join((*pieces, text[kept:]))


def _without_arguments(text: str) -> str:
    """The text without passwords that only the program's name shows to be some."""
    if not any(program.search(text) for program, _ in _ARGUMENTS):
        return text
    return "".join(map(_line_without_arguments, text.splitlines(keepends=True)))


def _line_without_arguments(line: str) -> str:
    for program, option in _ARGUMENTS:
        if named := program.search(line):
            line = line[: named.end()] + option.sub(rf"\1{HIDDEN}", line[named.end() :])
    return line


def _place(text: str, match: re.Match[str]) -> slice | None:
    """Where the secret stands that this name leads to; None where it leads to none."""
    name = match[0].rstrip(".-")
    begin, end = match.start(), match.start() + len(name)
    spoken = _SPOKEN_BEFORE.search(text, max(0, begin - 26), begin)
    kind = standing(name, spoken[1] if spoken else "")
    led = _led(text, begin, end) if kind else None
    if led is None or not _may_be_one(text, led.end(), name):
        return None
    if "sign" in led.re.groupindex:
        stop = _assigned(text, begin, led, kind)
    elif led.re is _IN_AN_ELEMENT:
        stop = _until(text, "<", led.end())
    else:
        stop = _end_of_word(text, led.end())
    return slice(led.end(), stop) if stop > led.end() else None


def _led(text: str, begin: int, end: int) -> re.Match[str] | None:
    """The way from a name to its value."""
    if assigned := _ASSIGNED.match(text, end):
        return assigned
    before = text[begin - 1 : begin]
    if before == "-" and (led := _NEXT_ARGUMENT.match(text, end)):
        return None if _STAND_IN.match(text, led.end()) else led
    if before == "<" and (led := _IN_AN_ELEMENT.match(text, end)):
        return led
    return _IN_A_PAIR.match(text, end) or _ordered(text, begin, end)


def _may_be_one(text: str, at: int, name: str) -> bool:
    if text[at : at + 1] in ("", "\r", "\n") or text.startswith(HIDDEN, at):
        return False
    if _HARMLESS.match(text, at):
        return False
    return not (name[-5:].lower() == "token" and _NUMBER_OF_A_TOKEN.match(text, at))


def _assigned(text: str, begin: int, assigned: re.Match[str], kind: Standing) -> int:
    """Where the value ends that is assigned; 0 where none is."""
    at, sign, bare = assigned.end(), assigned["sign"], not assigned["quote"]
    before = text[begin - 1 : begin]
    spaced = bool(assigned["gap"] or assigned["space"])
    clear = sign == "=" and not spaced and not text.startswith(("/", "~"), at)
    is_code = sign == "=" and spaced and _EXPRESSION.match(text, at)
    if (kind == "weak" and bare and before != "-" and not clear) or is_code:
        return 0
    if bare and sign == ":" and kind == "line":
        return _until(text, before if before in ("'", '"') else "\n", at)
    if block := _BLOCK.match(text, at):
        return _end_of_block(text, begin, block.end())
    if values := _LIST.match(text, at):
        return values.end()
    begins_line = _LINE_BEGINS.search(text, max(0, begin - 80), begin)
    if bare and begins_line and assigned["space"] and not _QUOTE.match(text, at):
        return _until(text, "\n", at)
    return _end_of_word(text, at)


def _ordered(text: str, begin: int, end: int) -> re.Match[str] | None:
    """The way to the next word, where it is the value by the words before the name."""
    before = text[max(0, begin - 80) : begin].split()
    last = before[-1] if before else ""
    is_set = last in _SETTERS and _OF_A_PROGRAM.search(text, begin, end)
    is_order = last in _ORDERS or is_set
    is_login = len(before) > 1 and before[-2] in _LOGINS
    return _NEXT_WORD.match(text, end) if is_order or is_login else None


def _end_of_word(text: str, at: int) -> int:
    """Behind a word as a shell has it; of one whose quote is not closed, at the end of its line."""
    if quote := _ESCAPED_QUOTE.match(text, at):
        return _until(text, quote[0], quote.end()) + len(quote[0])
    position = at
    while piece := _PIECE.match(text, position):
        position = piece.end()
        if piece[0][-1] in "\"'" and (more := _PUNCTUATION.match(text, position)):
            return more.end()
    return position if position > at else _until(text, "\n", at)


def _end_of_block(text: str, begin: int, at: int) -> int:
    """Behind the lines of a block of YAML: those that are indented further than its name."""
    line = text.rfind("\n", 0, begin) + 1
    indent = len(text[line:begin]) - len(text[line:begin].lstrip())
    deeper = re.compile(rf"(?:[ \t]{{{indent + 1},}}[^\n]*(?:\n|\Z)|[ \t]*\n)*")
    block = deeper.match(text, at)
    return block.end() if block else at


def _until(text: str, sign: str, at: int) -> int:
    """The place of the next such sign, or the end of the line or of the text before it."""
    found = text.find(sign, at, at + _LONGEST)
    if found < 0:
        found = text.find("\n", at)
    return found if found >= 0 else len(text)
