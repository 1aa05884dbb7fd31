"""The lake read back: delivered files, SQL on them here and in Athena, and the newest arrivals."""
