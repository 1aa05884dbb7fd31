"""History from files that others wrote, as records for the stream."""

# The `source` of what is imported: of a file nobody knows which provider said it.
SOURCE = "import"
