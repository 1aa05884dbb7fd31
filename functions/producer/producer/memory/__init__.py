"""What is remembered from one run to the next: the tails and the ledger."""
