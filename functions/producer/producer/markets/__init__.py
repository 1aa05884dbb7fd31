"""When an instrument can be traded."""
