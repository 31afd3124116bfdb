"""Fixtures that every test may ask for."""

from hypothesis import settings

pytest_plugins = ["tests.emulator.fixtures"]

# The same examples at every run, and no clock: neither luck nor a busy machine decides a test.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")
