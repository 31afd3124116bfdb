"""Programs: run to their end and timed, or kept running; none is ever left behind."""
