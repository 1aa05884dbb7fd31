"""What an operator does on any stack, here or in AWS: ask, follow, send again, index."""
