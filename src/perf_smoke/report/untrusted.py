"""How is foreign text (an engine's output, a model's name, a log's tail) shown without harm?"""

from __future__ import annotations

import unicodedata

_KEPT = "\n\t"
# Cc control, Cf format (direction overrides, zero-width), Cs lone surrogates, Zl and Zp line ends.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def visible(text: str) -> str:
    """Everything that acts without being seen, made visible: `⟨U+202E⟩`.

    Two outputs that differ in a zero-width character look different then, and no terminal
    obeys an escape sequence. Line ends and tabs stay.
    """
    text = text.replace("\r\n", "\n")
    return "".join(
        f"⟨U+{ord(letter):04X}⟩"
        if letter not in _KEPT and unicodedata.category(letter) in _UNSEEN
        else letter
        for letter in text
    )


def visible_line(text: str, most: int) -> str:
    """Visible, on one line, and at most that many characters, with how many were left out."""
    # Cut first: a text of gigabytes is not to be walked through. Shown characters only grow.
    line = visible(text[: most + 1]).replace("\n", "↵").replace("\t", "⇥")
    if len(line) <= most:
        return line
    return f"{line[:most]}… ({_more(len(text) - most)})" if len(text) > most else f"{line[:most]}…"


def beginning(text: str, *, characters: int = 2000, lines: int = 30) -> str:
    """The start of a text in several lines, and what was left out said on a last line."""
    text = text.replace("\r\n", "\n")
    kept = "\n".join(text[:characters].split("\n")[:lines])
    missing = len(text) - len(kept)
    return _shown(kept, 2 * characters) + (f"\n{_left_out(missing)}" if missing else "")


def end(text: str, *, characters: int = 4000, lines: int = 40) -> str:
    """The end of a text, where a program says why it stopped."""
    text = text.replace("\r\n", "\n").strip("\n")
    kept = "\n".join(text[-characters:].split("\n")[-lines:])
    missing = len(text) - len(kept)
    return (f"{_left_out(missing)}\n" if missing else "") + _shown(kept, 2 * characters)


_LONGEST_LINE = 500


def _shown(text: str, most: int) -> str:
    """Visible, and still bounded: a character that is not seen takes eight that are."""
    shown = "\n".join(_short_line(visible(line)) for line in text.split("\n"))
    return shown if len(shown) <= most else f"{shown[:most]}…"


def _short_line(line: str) -> str:
    more = len(line) - _LONGEST_LINE
    return f"{line[:_LONGEST_LINE]}… ({_more(more)})" if more > 0 else line


def _left_out(count: int) -> str:
    return f"… ({_more(count)} in result.json)"


def _more(count: int) -> str:
    return f"{count:,} more character{'' if count == 1 else 's'}"
