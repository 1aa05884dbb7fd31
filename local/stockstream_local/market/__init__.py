"""The replay market: a provider on this machine, in Alpha Vantage's words."""
