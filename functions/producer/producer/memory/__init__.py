"""What is remembered from one run to the next: tails, ledger, confirmed splits, the list of instruments."""
