"""The timings that llama.cpp's one-shot programs print, in all three generations of the text.

    llama_print_timings:      2023 to mid 2024
    llama_perf_context_print: until 2025, bitnet.cpp's fork among them
    common_perf_print:        since

`prompt eval` counts forward passes of more than one token, `eval` those of one token. The first
output token comes from the prompt's pass, so N tokens make N − 1 runs. Both counts are printed
as at least 1, also where there was none: then the time beside it is 0.00.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(
    r"(?:llama_print_timings|llama_perf_context_print|common_perf_print):\s*"
    # With a comma where the caller's locale has one: the program asks for it.
    r"(load|prompt eval|eval|total) time\s*=\s*([0-9]+(?:[.,][0-9]+)?) ms"
    r"(?:\s*/\s*([0-9]+)\s+(?:tokens|runs))?"
)
_END_OF_TEXT = re.compile(r"\s?\[end of text\]\s*$")


@dataclass(frozen=True, kw_only=True)
class Timings:
    """What the lines say, in the vocabulary of this product."""

    n_prompt: int
    n_out: int
    load_ms: float | None
    """Until the first forward pass, that of the program's own warm-up included."""
    prompt_ms: float | None
    decode_ms: float | None
    total_ms: float | None
    """From the end of the warm-up to the end of the text, the load not included."""


def read_timings(stderr: str) -> Timings | None:
    """The last timings in the text; None where it holds none."""
    lines = {match[1]: match for match in _LINE.finditer(stderr)}
    prompt, runs = lines.get("prompt eval"), lines.get("eval")
    if not prompt or not runs or not prompt[3] or not runs[3]:
        return None
    n_prompt, n_runs = int(prompt[3]), int(runs[3])
    prompt_ms, eval_ms = _positive(prompt), _positive(runs)
    if n_prompt == 1 and prompt_ms is None:
        # A prompt of one token is itself a run: its pass cannot be told from the others.
        return Timings(
            n_prompt=1,
            n_out=n_runs,
            load_ms=_positive(lines.get("load")),
            prompt_ms=None,
            decode_ms=None,
            total_ms=_positive(lines.get("total")),
        )
    if n_runs == 1 and eval_ms is None:
        n_runs = 0
    return Timings(
        n_prompt=n_prompt,
        n_out=n_runs + 1,
        load_ms=_positive(lines.get("load")),
        prompt_ms=prompt_ms,
        decode_ms=eval_ms,
        total_ms=_positive(lines.get("total")),
    )


def read_text(stdout: str, prompt: str, *, prompt_is_shown: bool) -> tuple[str, bool]:
    """What was generated, and whether the program said that the model ended it.

    The line ends at its end are the program's own.
    """
    text = _END_OF_TEXT.sub("", stdout)
    ended = text != stdout
    if prompt_is_shown:
        shown = text.lstrip()  # a beginning-of-text token shows as a space
        text = shown.removeprefix(prompt) if shown.startswith(prompt) else text
    return text.rstrip("\r\n"), ended


def _positive(match: re.Match[str] | None) -> float | None:
    """A duration that was really taken: 0.00 stands for "none", or for timings turned off."""
    return float(match[2].replace(",", ".")) or None if match else None
