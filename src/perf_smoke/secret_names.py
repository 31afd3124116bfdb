"""Which names are those of secrets: of a variable, an option, a header, a member of a document."""

from __future__ import annotations

import functools
import re
from typing import Literal

Standing = Literal["", "weak", "sure", "line"]
"""What a name says of the value behind it: nothing; a secret where it is clearly assigned; a
secret; a secret that takes the rest of its line."""

_LONGEST = 120
"""Characters. Of a longer name its end is looked at, where the word that decides stands."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
"""`HF_TOKEN`, `hf-token` and `hfToken` have the same words."""

_LINE = re.compile(r"authorization|cookie")
_SURE = re.compile(
    r".*(?:passwor[dt]|passwd|passphrase|passcode|secret|credential|(?<!de)token)"
    r"|.*(?:api|access|private|secret|signing|account|auth|shared|master|encryption|license|licence"
    r"|subscription|storage|session|deploy|ssh|app|client|service|admin|root)key"
    r"|passwords|secrets|credentials|creds?|jwt|otp|totp|pw|psw|(?:my|pg|db|user|root|admin)pwd"
    r"|(?:my|pg|db|sas|user|root|admin|smtp|store|key|ssh)pass|sharedaccesssignature"
)
"""A word, the last of its name."""
_WEAK = re.compile(r"pass|pwd|pat|auth|sig|signature")
"""The same, where prose and logs have the word too: `PASS: a test`, `pass 3 of 5`."""
_PASS_OF = re.compile(
    r"db|database|user|my|mysql|maria|postgres|pg|sql|redis|mongo|smtp|mail|imap|ftp|http|proxy|root"
    r"|admin|login|ssh|git|docker|registry|key|store|vault|ldap|amqp|rabbitmq|git(?:hub|lab)|gh|gl"
    r"|sudo|vnc|wifi|auth|basic|service|deploy|x"
)
_NO_SECRET_KEY = re.compile(
    r"caches?|public|pub|primary|foreign|sort|partition|hash|index|map|object|row|group|dict|json"
    r"|config|metadata|lookup|restore|matched|kv|k|v|q|query|attn|head|n|num|max|min|hot|any|no|new"
    r"|old|last|first|next|unknown|missing|invalid|duplicate|unexpected|the|a|this|that|each|per"
    r"|tensor|layer|translation|i18n|label|series|comment|section|field|column|header"
)
"""What stands before `key` where it opens nothing. `key` alone opens nothing either."""
_NO_SECRET_TOKEN = re.compile(
    r"eos|bos|eot|eog|eom|eod|pad|unk|sep|cls|nl|lf|fim|pre|suf|mid|stop|mask|special|control|unused"
    r"|byte|image|audio|video|start|end|begin|prompt|input|output|new|next|first|last|prev|previous"
    r"|max|min|n|num|per|each|time|unexpected|expected|unknown|undefined|one|single|sampled|decoded"
    r"|decode|generated|draft|predicted|text|language|llama|vocab|think|tool|role|turn|added|add"
    r"|separator|padding|sentence|word|sub|current|rep|tok|sampler|forced|bad|top"
)
"""What stands before `token` in the words of language models, of compilers and of prose."""
_SPOKEN_KEY = re.compile(r"api|access|secret|private|signing|account|auth|shared|encryption|master")
"""What makes two words of prose a name: `API key: …`."""
_NOT = ("no", "skip", "without", "disable", "use", "enable", "has", "is", "require", "allow")
"""A name that begins so asks a question, and no value of it is a secret."""
_SET_ASIDE = re.compile(
    r"[0-9]+|old|new|prod|production|dev|test|stage|staging|base|base64|b64|hex|value|val|string|raw"
    r"|encoded|plain|primary|secondary|main|default|current|ci|rw|ro|read|write|env|var|x"
)
"""What may follow the deciding word: `TOKEN_2`, `API_KEY_PROD`."""


@functools.lru_cache(maxsize=4096)
def standing(name: str, before: str = "") -> Standing:
    """What the name says of what is assigned to it.

    Args:
        name: without the dashes of an option.
        before: the word of prose in front of it.
    """
    words = [word.lower() for word in _WORD.findall(name[-_LONGEST:])]
    while len(words) > 1 and _SET_ASIDE.fullmatch(words[-1]):
        words.pop()
    if not words or (words[0] in _NOT and len(words) > 1):
        return ""
    last = words[-1]
    qualifier = words[-2] if len(words) > 1 else before.lower()
    if last in ("key", "keys"):
        return "sure" if _is_key(qualifier, spoken=len(words) == 1 or last == "keys") else ""
    if last.endswith("token") and _NO_SECRET_TOKEN.fullmatch(last[:-5] or qualifier):
        return ""
    if _WEAK.fullmatch(last):
        return _of_weak(name, words)
    return "line" if _LINE.fullmatch(last) else "sure" if _SURE.fullmatch(last) else ""


def _is_key(qualifier: str, *, spoken: bool) -> bool:
    if spoken:
        return bool(_SPOKEN_KEY.fullmatch(qualifier))
    return not _NO_SECRET_KEY.fullmatch(qualifier)


def _of_weak(name: str, words: list[str]) -> Standing:
    if len(words) == 1:
        return "weak"
    is_pass = words[-1] == "pass" and not name.isupper()
    return "" if is_pass and not _PASS_OF.fullmatch(words[-2]) else "sure"
