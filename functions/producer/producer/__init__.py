"""The producer: fetches bars and puts into the stream what is new or has changed."""
