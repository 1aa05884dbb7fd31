"""What is sent of an answer, and remembered once the stream has it."""
