"""What `stockstream doctor` finds of a stack: whether each part is well, what flows, and what to do."""
