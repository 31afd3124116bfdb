"""How a program ended, in words: the predicate of a sentence."""

from __future__ import annotations

import signal

_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)
"""The exit codes of a killed program: the system's own, and that of a shell around the program."""


def was_killed(exit_code: int) -> bool:
    """Whether somebody ended it by a signal that no program can refuse."""
    return exit_code in _KILLED


def how_it_ended(exit_code: int) -> str:
    """Such as `exited with code 3`.

    Args:
        exit_code: negative for a signal, as in subprocess.
    """
    if was_killed(exit_code):
        return "was killed (SIGKILL)"
    if exit_code < 0:
        return f"crashed ({_signal_name(-exit_code)})"
    return f"exited with code {exit_code}"


def overran(limit_s: float) -> str:
    """The predicate for a program that was killed at its time limit."""
    return f"took longer than {round(limit_s, 1) or limit_s:g} s and was killed"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
