"""What a provider asks for with Retry-After reaches the plan of the next runs."""

import io
from typing import Any

import pytest
import requests
from minutes_of_a_producer import MINUTE, World, utc
from urllib3.response import HTTPResponse

from producer.planning.planner import Plan

OPENING = utc(20, 14, 30)


@pytest.mark.parametrize("alpaca", [False, True])
@pytest.mark.parametrize("status", [429, 503])
def test_nobody_asks_before_the_time_that_the_provider_names(
    status: int, monkeypatch: pytest.MonkeyPatch, *, alpaca: bool
) -> None:
    world = World("IBM", Plan(None, 5), (utc(16, 0), utc(25, 0)), alpaca=alpaca)
    asked = []

    def refuse(_url: str, **_options: Any) -> requests.Response:
        asked.append(world.clock.now)
        response = requests.Response()
        response.status_code = status
        response.headers["Retry-After"] = "600"
        response.raw = HTTPResponse(io.BytesIO(b"{}"), preload_content=False)
        return response

    monkeypatch.setattr(world.server, "get", refuse)
    world.run(OPENING, OPENING + 20 * MINUTE)

    # At 14:32:20, and ten minutes later it is 14:42:20.
    assert [moment - OPENING for moment in asked] == [minute * MINUTE + (MINUTE / 3) for minute in (2, 13)]
