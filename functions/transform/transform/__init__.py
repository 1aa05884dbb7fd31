"""The transform: what Firehose calls to clean records and add the analytics."""
