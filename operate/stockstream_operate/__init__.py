"""What an operator does on any stack, here or in AWS: ask, follow, send again, index.

For programs: `from stockstream_operate import read`, which gives bars as a DataFrame.
"""

from stockstream_operate.lake.frame import read

__all__ = ["read"]
