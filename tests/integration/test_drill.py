"""A short day of the drill: much goes wrong, and readers see what the market said."""

from pathlib import Path

import pytest
from aws_faults import RATES
from trading_day import SHORT, open_world
from verdict import judge


@pytest.mark.parametrize("seed", [1])
def test_nothing_is_lost_doubled_or_wrong_at_the_end_of_a_bad_day(seed: int, tmp_path: Path) -> None:
    with open_world(SHORT, seed, tmp_path) as world:
        world.play()
        verdict = judge(world, tmp_path)

    assert verdict.faults == []
    # Or the silence would prove nothing.
    assert verdict.bars > 1000
    assert world.runs["killed"] > 5
    assert set(world.faults.counts) >= RATES.keys()
    assert len(world.poison) > 3
