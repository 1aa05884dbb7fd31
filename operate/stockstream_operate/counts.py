"""Numbers of things, as people read them."""


def say_count(number: int, noun: str) -> str:
    """`1 bar`, `2,000 bars`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
