"""Where bars come from: how each provider is asked, and what its answers mean."""
