"""AWS on this machine: ministack, put right where the pipeline depends on it."""
