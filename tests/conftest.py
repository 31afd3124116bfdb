"""Fixtures that every test may ask for."""

import signal

from hypothesis import settings

pytest_plugins = ["tests.emulator.fixtures"]

# The same examples at every run, and no clock: neither luck nor a busy machine decides a test.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

# A suite that was started in the background, or with nohup, would hand its deafness on to every
# program that a test starts, and perf-smoke respects what it is told to ignore.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
