"""What is committed and follows from something else: how it is made, and whether it is stale."""
