"""Which instruments to ask in a run, and what a plan allows."""
