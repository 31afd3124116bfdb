"""The schedule of steps, metrics and the machine."""
