"""What all providers' answers share."""

from datetime import UTC, datetime

import pytest

from producer.providers.answers import month_bounds


@pytest.mark.parametrize(
    ("month", "begins", "ends"),
    [
        ("2026-01", "2026-01-01", "2026-02-01"),
        ("2026-11", "2026-11-01", "2026-12-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
    ],
)
def test_a_month_ends_where_the_next_begins(month: str, begins: str, ends: str) -> None:
    expected = tuple(datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (begins, ends))
    assert month_bounds(month, UTC) == expected
