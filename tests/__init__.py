"""A package by name: a dependency installs a top-level `tests` of its own, which would win."""
