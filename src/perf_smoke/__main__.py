"""`python -m perf_smoke` is `perf-smoke`, below a guardian."""

import sys

from perf_smoke.processes.guardian import guarded

LIFELINE = "--lifeline"
"""Comes first where whoever starts perf-smoke holds the other end of its standard input, and
cancels with a line on it; its end is theirs."""


def main() -> None:
    """Run the command line in a process of its own."""
    has_lifeline = sys.argv[1:2] == [LIFELINE]
    if has_lifeline:
        del sys.argv[1]
    guarded(has_lifeline=has_lifeline)
    # Imported here: the guardian stays small, and what is imported is interrupted without a word.
    from perf_smoke.cli import main as command_line

    command_line(prog_name="perf-smoke")


if __name__ == "__main__":
    main()
