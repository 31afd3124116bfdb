"""Whether two sides differ: pure functions of numbers."""
