"""The ways out: how a notice looks in each, and how it gets there."""
