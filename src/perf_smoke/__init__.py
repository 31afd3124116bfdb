"""A timed inference on every push and pull request: never gating, never unobserved."""

__version__ = "0.1.0"
