"""llama-bench: how fast random tokens go through the model. No text, no sampling, no TTFT.

For N output tokens it runs two tests: the prompt (pp), and N − 1 single decodes (tg), because a
real run gets its first output token from the prompt's pass. So its decode speed can be compared
with that of the other engines. There is no E2E: the two tests are not one request.
"""

from __future__ import annotations

import re

from perf_smoke.engines import llama_program
from perf_smoke.engines.base import EngineSetup, Request
from perf_smoke.engines.features import LLAMA_FEATURES, refuse_unknown
from perf_smoke.engines.fields import Fields
from perf_smoke.engines.one_shot import OneShotEngine, Reading, Recipe, Unreadable, strict_json
from perf_smoke.processes.foreground import Finished
from perf_smoke.result import Tier

_TIERS: dict[str, Tier] = {"prompt_ms": "A", "decode_ms": "A"}


def prepare(setup: EngineSetup) -> OneShotEngine:
    """Find llama-bench, or what `binary` names.

    Raises:
        Unmeasured: `engine-missing`, `features-unknown`.
    """
    program = llama_program.find("llama-bench", setup)

    def arguments(request: Request) -> list[str]:
        return [
            *("-m", str(setup.model)),
            *("-p", str(prompt_tokens(request.prompt))),
            *("-n", str(request.tokens - 1)),
            *("-t", str(request.threads)),
            *("-r", "1"),
            *("-o", "json"),
            *program.features,
        ]

    return OneShotEngine(program.identity, setup, Recipe(arguments=arguments, read=_read))


def check_inputs(setup: EngineSetup) -> None:
    """Refuse features that are not in the table.

    Raises:
        Unmeasured: `features-unknown`.
    """
    refuse_unknown("llama-bench", setup.features, LLAMA_FEATURES)


def prompt_tokens(prompt: str) -> int:
    """How many random tokens stand for the prompt, which llama-bench does not read: as many as
    it has words and signs."""
    return max(1, len(re.findall(r"\w+|[^\w\s]", prompt)))


def _read(finished: Finished, _result: bytes, request: Request) -> Reading:
    document = strict_json(finished.stdout, "what it printed to stdout")
    tests = Fields({"tests": document}, "`llama-bench`").objects("tests")
    prompt_ms = _duration_ms(tests, n_prompt=prompt_tokens(request.prompt), n_gen=0)
    decode_ms = None
    if request.tokens > 1:
        decode_ms = _duration_ms(tests, n_prompt=0, n_gen=request.tokens - 1)
    return Reading(
        n_prompt=prompt_tokens(request.prompt),
        n_out=request.tokens,
        prompt_ms=prompt_ms,
        decode_ms=decode_ms,
        tiers=_TIERS,
    )


def _duration_ms(tests: list[Fields], *, n_prompt: int, n_gen: int) -> float:
    for test in tests:
        if test.count("n_prompt") == n_prompt and test.count("n_gen") == n_gen:
            average_ns = test.number("avg_ns")  # of the one repetition
            if average_ns is not None:
                return average_ns / 1e6
    raise Unreadable(f"its JSON holds no avg_ns of {n_prompt} prompt and {n_gen} output tokens")
