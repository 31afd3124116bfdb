"""llama.cpp's one-shot program in the generations that facts are recorded of, chosen by
LLAMA_GENERATION: `2023` (main), `2024` (llama-cli, and bitnet.cpp's fork), `2026`
(llama-completion), `chat` (llama-cli since late 2025).

It takes only the switches that its help lists, and its durations are times that really pass.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from tests.integration.engines.fake_faults import fault, misbehave, refuse_wrong_model

PIECES = ("1", "1", ",", " so")
HELP = {
    "2023": """usage: ./main [options]
  -h, --help            show this help message and exit
  --version             show version and build info
  -s SEED, --seed SEED  RNG seed (default: -1, use random seed for < 0)
  -t N, --threads N     number of threads to use during generation (default: 8)
  -p PROMPT, --prompt PROMPT
                        prompt to start generation with (default: empty)
  -e, --escape          process prompt escapes sequences (default: false)
  -n N, --n-predict N   number of tokens to predict (default: -1)
  -c N, --ctx-size N    size of the prompt context (default: 512)
  -b N, --batch-size N  batch size for prompt processing (default: 512)
  --ignore-eos          ignore end of stream token and continue generating
  --temp N              temperature (default: 0.8)
  --mlock               force system to keep model in RAM
  --no-mmap             do not memory-map model
  -m FNAME, --model FNAME
                        model path
""",
    "2024": """----- common params -----
-h,    --help, --usage                  print usage and exit
--version                               show version and build info
-t,    --threads N                      number of threads to use during generation
-c,    --ctx-size N                     size of the prompt context (default: 0)
-n,    --predict, --n-predict N         number of tokens to predict (default: -1)
-b,    --batch-size N                   logical maximum batch size (default: 2048)
-fa,   --flash-attn                     enable Flash Attention (default: disabled)
-p,    --prompt PROMPT                  prompt to start generation with
--no-perf                               disable internal libllama performance timings
-e,    --escape                         process escapes sequences (default: true)
--no-escape                             do not process escape sequences
--mlock                                 force system to keep model in RAM
--no-mmap                               do not memory-map model
-ngl,  --gpu-layers, --n-gpu-layers N   number of layers to store in VRAM
-m,    --model FNAME                    model path
-s,    --seed SEED                      RNG seed (default: -1, use random seed for -1)
--ignore-eos                            ignore end of stream token and continue generating
--temp N                                temperature (default: 0.8)
--no-display-prompt                     don't print prompt at generation (default: false)
-cnv,  --conversation                   run in conversation mode
--simple-io                             use basic IO for better compatibility in subprocesses
""",
    "2026": """----- common params -----
-h,    --help, --usage                  print usage and exit
--version                               show version and build info
-t,    --threads N                      number of CPU threads to use during generation
--poll <0...100>                        use polling level to wait for work
-c,    --ctx-size N                     size of the prompt context
-n,    --predict, --n-predict N         number of tokens to predict
-b,    --batch-size N                   logical maximum batch size
-fa,   --flash-attn [on|off|auto]       set Flash Attention use ('on', 'off', or 'auto')
-p,    --prompt PROMPT                  prompt to start generation with
--perf, --no-perf                       whether to enable internal libllama performance timings
-e,    --escape, --no-escape            whether to process escapes sequences
-lm,   --load-mode MODE                 model loading mode (default: auto)
                                        - mmap+mlock: mmap + force system to keep model in RAM
-ngl,  --gpu-layers, --n-gpu-layers N   max. number of layers to store in VRAM
--list-devices                          print list of available devices and exit
-m,    --model FNAME                    model path to load
-s,    --seed SEED                      RNG seed
--ignore-eos                            ignore end of stream token and continue generating
--temp, --temperature N                 temperature (default: 0.80)
--display-prompt, --no-display-prompt   whether to print prompt at generation (default: true)
-cnv,  --conversation, -no-cnv, --no-conversation
-st,   --single-turn                    run conversation for a single turn only
--simple-io                             use basic IO for better compatibility in subprocesses
""",
    "chat": """-h,    --help, --usage                  print usage and exit
--version                               show version and build info
-m,    --model FNAME                    model path to load
-p,    --prompt PROMPT                  prompt to start generation with
-n,    --predict, --n-predict N         number of tokens to predict
-cnv,  --conversation                   run in conversation mode
-st,   --single-turn                    run conversation for a single turn only
""",
}
PREFIX = {
    "2023": "llama_print_timings",
    "2024": "llama_perf_context_print",
    "2026": "0.00.386.811 I common_perf_print",
}
WITH_VALUE = {
    *("-m", "-p", "-n", "-t", "-c", "-b", "-s", "--temp", "-ngl"),
    *("--load-mode", "--poll"),
}


def main(arguments: Sequence[str]) -> None:
    """Be called as the real one is."""
    generation = os.environ["LLAMA_GENERATION"]
    if "--help" in arguments:
        print(HELP[generation])
        return
    if "--version" in arguments:
        print("version: 4567 (abcdef12)\nbuilt with cc (Debian) for x86_64", file=sys.stderr)
        return
    if "--list-devices" in arguments:
        print("Available devices:\n" + os.environ.get("LLAMA_DEVICES", ""))
        return
    options = parsed(arguments, HELP[generation])
    print(os.environ.get("LLAMA_LOG", ""), file=sys.stderr)
    refuse_wrong_model(
        options["-m"],
        "llama_model_load: error loading model: llama_model_loader: failed to load model\n"
        "main: error: unable to load model",
    )
    misbehave()
    generate(generation, options)


def parsed(arguments: Sequence[str], known: str) -> dict[str, str]:
    """Options with their values; one that the help does not list ends the program."""
    words = {word.strip(",") for word in known.split()}
    options: dict[str, str] = {}
    rest = iter(arguments)
    for word in rest:
        if word not in words:
            print(f"error: unknown argument: {word}", file=sys.stderr)
            raise SystemExit(1)
        takes_value = word in WITH_VALUE or (word == "--flash-attn" and "[on|" in known)
        options[word] = next(rest) if takes_value else ""
    return options


def generate(generation: str, options: dict[str, str]) -> None:
    """The text to stdout, the timings to stderr."""
    started_s = time.perf_counter()
    asked = int(options["-n"])
    ends_early = "--ignore-eos" not in options or fault() == "short"
    tokens = min(asked, 2) if ends_early else asked
    prompt_tokens = len(options["-p"].split()) if " " in options["-p"] else len(options["-p"])
    time.sleep(0.005)
    prompt_s = time.perf_counter() - started_s
    time.sleep(0.002 * (tokens - 1))
    eval_s = time.perf_counter() - started_s - prompt_s
    out = sys.stdout.buffer
    if "--no-display-prompt" not in options:
        out.write(f" {options['-p']}".encode())
    text = "".join(PIECES[number % len(PIECES)] for number in range(tokens)).encode()
    out.write(b"\xff\xfe" + text if fault() == "invalid-utf8" else text)
    if tokens < asked:
        out.write(b" [end of text]\n")
    out.write(b"\n\n")
    out.flush()
    runs = tokens - 1
    if prompt_tokens == 1:
        prompt_s, eval_s, runs = 0.0, prompt_s + eval_s, tokens
    total_s = time.perf_counter() - started_s
    print_timings(generation, prompt_s, prompt_tokens, eval_s if runs else 0.0, runs, total_s)


def print_timings(
    generation: str, prompt_s: float, prompt_tokens: int, eval_s: float, runs: int, total_s: float
) -> None:
    """As each generation does: counts are at least 1, and rates may be infinite."""
    prefix = PREFIX[generation]
    shown_runs = max(1, runs)

    def line(name: str, seconds: float, count: int, unit: str) -> None:
        rate = f"{count / seconds:8.2f}" if seconds else "     inf"
        each = f"{seconds * 1e3 / count:8.2f}"
        print(
            f"{prefix}: {name:>16} = {seconds * 1e3:10.2f} ms / {count:5d} {unit}"
            f" ({each} ms per token, {rate} tokens per second)",
            file=sys.stderr,
        )

    print(f"{prefix}:        load time = {12.34:10.2f} ms", file=sys.stderr)
    if generation == "2023":
        line("sample time", 0.0006, shown_runs, "runs  ")
    line("prompt eval time", prompt_s, prompt_tokens, "tokens")
    line("eval time", eval_s, shown_runs, "runs  ")
    count = "" if generation == "2023" else f" / {prompt_tokens + shown_runs:5d} tokens"
    print(f"{prefix}:       total time = {total_s * 1e3:10.2f} ms{count}", file=sys.stderr)
