"""GitHub: the event, workflow commands, outputs and the sticky comment."""
