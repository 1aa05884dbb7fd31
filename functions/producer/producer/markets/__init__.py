"""What is followed, and whose sessions it keeps."""
