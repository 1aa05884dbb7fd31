"""What needs a function's own code beside an operator's tools: `stockstream deploy` and `compare`.

`deploy` looks for what would fail in AWS, builds, and deploys, in this order.
"""
