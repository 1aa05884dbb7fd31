"""What of an answer is sent, and that it is remembered only when the stream has it."""
