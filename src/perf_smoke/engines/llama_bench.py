"""llama-bench: how fast random tokens go through the model. No text, no sampling, no TTFT.

For N output tokens it runs two tests: the prompt (pp), and N − 1 single decodes (tg), because a
real run gets its first output token from the prompt's pass. So its decode speed can be compared
with that of the other engines. There is no E2E: the two tests are not one request.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from perf_smoke.engines import llama_program
from perf_smoke.engines.base import EngineSetup, Request
from perf_smoke.engines.fields import Fields
from perf_smoke.engines.one_shot import OneShotEngine, Reading, Recipe, Unreadable
from perf_smoke.engines.printed_json import in_the_way, objects
from perf_smoke.printable import decoded, one_line
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
            *program.switches,
        ]

    def read(finished: Finished, _result: bytes, request: Request) -> Reading:
        tests = list(objects(decoded(finished.stdout)))
        told = program.evidence(decoded(finished.stderr), tests)
        return replace(_read(finished, request), told=told)

    return OneShotEngine(program.identity, setup, Recipe(arguments=arguments, read=read))


def prompt_tokens(prompt: str) -> int:
    """How many random tokens stand for the prompt, which llama-bench does not read: as many as
    it has words and signs."""
    return max(1, len(re.findall(r"\w+|[^\w\s]", prompt)))


def _read(finished: Finished, request: Request) -> Reading:
    printed = decoded(finished.stdout)
    tests = list(objects(printed))
    prompt_ms = _duration_ms(tests, printed, n_prompt=prompt_tokens(request.prompt), n_gen=0)
    decode_ms = None
    if request.tokens > 1:
        decode_ms = _duration_ms(tests, printed, n_prompt=0, n_gen=request.tokens - 1)
    return Reading(
        n_prompt=prompt_tokens(request.prompt),
        n_out=request.tokens,
        prompt_ms=prompt_ms,
        decode_ms=decode_ms,
        tiers=_TIERS,
    )


def _duration_ms(tests: list[dict[str, Any]], printed: str, *, n_prompt: int, n_gen: int) -> float:
    wanted = (str(n_prompt), str(n_gen), "0")
    for test in tests:
        if tuple(str(test.get(name, 0)) for name in ("n_prompt", "n_gen", "n_depth")) == wanted:
            fields = Fields(test, "`llama-bench`")
            average_ms = fields.duration_ms("avg_ns", units_per_ms=1e6)  # of the one repetition
            if average_ms is not None:
                return average_ms
    missing = f"its JSON holds no avg_ns of {n_prompt} prompt and {n_gen} output tokens"
    other = in_the_way(printed)
    between = f"; among what it printed is `{one_line(other)}`" if other else ""
    raise Unreadable((missing if tests else "what it printed to stdout is no JSON") + between)
