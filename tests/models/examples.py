"""How many examples a property is tried on."""

from hypothesis import settings


def examples(thorough: int) -> int:
    """A quarter of them in `make test`, and all in `make test-slow`."""
    return thorough if settings.get_current_profile_name() == "thorough" else max(2, thorough // 4)
