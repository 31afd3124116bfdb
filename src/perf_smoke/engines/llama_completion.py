"""llama.cpp's one-shot program: llama-completion, or the llama-cli and main of older builds.

Which switches a build knows is asked of its own help, so that builds of all ages run alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perf_smoke.engines import llama_program, llama_text
from perf_smoke.engines.base import EngineSetup, Request
from perf_smoke.engines.llama_program import LlamaProgram
from perf_smoke.engines.one_shot import OneShotEngine, Reading, Recipe, Unreadable
from perf_smoke.printable import decoded
from perf_smoke.processes.foreground import Finished
from perf_smoke.result import Tier, Unmeasured

_HIDE_PROMPT = "--no-display-prompt"
_WHERE_KNOWN = (
    "-no-cnv",  # a chat template in the model would start a conversation
    "--ignore-eos",
    "--no-escape",  # a backslash in the prompt is a backslash
    "--perf",
    "--simple-io",
    _HIDE_PROMPT,
)
_TIERS: dict[str, Tier] = {
    "load_ms": "D",
    "prompt_ms": "D",
    "decode_ms": "D",
    "e2e_ms": "D",
}


def prepare(setup: EngineSetup) -> OneShotEngine:
    """Find llama-completion, or what `binary` names.

    Raises:
        Unmeasured: `engine-missing`, `engine-unsuitable`, `features-unknown`.
    """
    return prepare_as("llama-completion", setup, extra=())


def prepare_as(engine: str, setup: EngineSetup, *, extra: Sequence[str]) -> OneShotEngine:
    """Prepare another engine of the family, with arguments of its own."""
    program = llama_program.find(engine, setup)
    _refuse_chat_client(program)
    switches = [switch for switch in _WHERE_KNOWN if switch in program.help.switches]
    switches += [*extra, *program.switches]

    def arguments(request: Request) -> list[str]:
        context = str(request.context_tokens)
        return [
            *("-m", str(setup.model)),
            *("-p", request.prompt),
            *("-n", str(request.tokens)),
            *("-t", str(request.threads)),
            *("-c", context),
            # One batch: a rest of one prompt token would be counted among the runs.
            *("-b", context),
            *("--temp", "0"),
            *("-s", str(request.seed)),
            *switches,
        ]

    def read(finished: Finished, _result: bytes, request: Request) -> Reading:
        told = program.evidence(decoded(finished.stderr))
        reading = _read(finished, request, prompt_is_shown=_HIDE_PROMPT not in switches)
        return replace(reading, told=told)

    return OneShotEngine(program.identity, setup, Recipe(arguments=arguments, read=read))


def _read(finished: Finished, request: Request, *, prompt_is_shown: bool) -> Reading:
    timings = llama_text.read_timings(decoded(finished.stderr))
    if timings is None:
        raise Unreadable("it printed no `prompt eval time` and `eval time` to stderr")
    text, ended = llama_text.read_text(
        finished.stdout.decode("utf-8", "replace"),
        request.prompt,
        prompt_is_shown=prompt_is_shown,
    )
    return Reading(
        n_prompt=timings.n_prompt,
        n_out=timings.n_out,
        load_ms=timings.load_ms,
        prompt_ms=timings.prompt_ms,
        decode_ms=timings.decode_ms,
        e2e_ms=timings.total_ms,
        text=text,
        finish_reason="stop" if ended else "",
        tiers=_TIERS,
    )


def _refuse_chat_client(program: LlamaProgram) -> None:
    """Since late 2025 llama-cli is a chat client: it prints two rates and no count."""
    known = program.help.switches
    if "--single-turn" in known and "--no-conversation" not in known:
        raise Unmeasured(
            "engine-unsuitable",
            f"`{program.name}` is a chat client in this build of llama.cpp, which prints neither "
            "counts nor durations: give `binary` the llama-completion beside it.",
        )
