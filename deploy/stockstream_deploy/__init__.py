"""`stockstream deploy`: looks for what would fail in AWS, builds, and deploys, in this order."""
