"""Processes, the schedule of steps, metrics and the machine."""
