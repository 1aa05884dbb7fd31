"""Whatever refuses: in the end every bar of Alpaca's is in the stream, and looks back on all before it.

Random plans and numbers of instruments, pages and requests; the stream refuses, the provider is down, its
servers are behind, or there are no runs, each for up to three hours. The market never closes: after a close
nobody would ask.
"""

from datetime import timedelta
from itertools import cycle

from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from minutes_of_a_producer import MINUTE, AlpacaServer, World, utc

from producer.planning.planner import Plan

OPENING = utc(20, 14, 30)
TROUBLES = st.lists(
    st.tuples(
        st.sampled_from(["stream", "provider", "behind", "no runs"]),
        st.integers(1, 180),
        st.integers(1, 30),
        st.booleans(),
    ),
    max_size=3,
)


def world_of(traded: int, silent: int, page_bars: int, plan: Plan) -> World:
    quiet = [f"Q{number}" for number in range(silent)]
    names = [f"S{number}" for number in range(traded)] + quiet
    world = World(",".join(names), plan, (OPENING, utc(23, 0)), alpaca=True, hours="always", silent=quiet)
    assert isinstance(world.server, AlpacaServer)
    world.server.page_bars = page_bars
    return world


def befall(world: World, troubles: list[tuple[str, int, int, bool]]) -> timedelta:
    """Half an hour of calm, and then the troubles, with a calm after each; how long all of it takes."""
    now = OPENING + 30 * MINUTE
    world.run(OPENING, now)
    for kind, minutes, calm, dies in troubles:
        end = now + minutes * MINUTE
        world.stream.refuses = kind == "stream"
        world.server.refuse = lambda _asked, kind=kind: ConnectionError() if kind == "provider" else None  # type: ignore[misc]
        if kind == "behind":
            # One server after another, each of them so many minutes behind the market.
            servers = cycle([timedelta(), *(number * MINUTE for number in range(1, 2 + minutes % 7))])
            world.server.behind = lambda servers=servers: next(servers)  # type: ignore[misc]
        if kind != "no runs":
            world.run(now, end)
        world.stream.refuses = False
        world.server.refuse = lambda _asked: None
        world.server.behind = timedelta
        if dies:
            world.new_container()
        now = end + calm * MINUTE
        world.run(end, now)
    return now - OPENING


@given(st.integers(1, 5), st.integers(0, 2), st.integers(150, 3000), st.integers(1, 4), TROUBLES)
@settings(max_examples=examples(12))
def test_in_the_end_each_bar_is_sent_and_each_look_back_is_whole(
    traded: int, silent: int, page_bars: int, a_minute: int, troubles: list[tuple[str, int, int, bool]]
) -> None:
    world = world_of(traded, silent, page_bars, Plan(None, a_minute))

    now = OPENING + befall(world, troubles)
    # No more than 660 minutes of five instruments wait: 3,300 bars, and a page brings 150 or more of them.
    world.run(now, now + 60 * MINUTE)

    end = now + 35 * MINUTE
    for number in range(traded):
        first = min(world.stream.documents(f"S{number}"))
        assert world.missing(f"S{number}", first, end) == []
        assert world.broken_lookbacks(f"S{number}") == []
        assert first <= OPENING + timedelta(minutes=60)


@given(st.integers(1, 5), st.integers(0, 2), st.integers(1000, 3000), st.integers(1, 4), TROUBLES)
@settings(max_examples=examples(6))
def test_where_a_days_requests_are_counted_each_is_served_within_hours_and_none_has_a_hole(
    traded: int, silent: int, page_bars: int, a_minute: int, troubles: list[tuple[str, int, int, bool]]
) -> None:
    # A request in six minutes, of which each brings at least two hours of five instruments.
    world = world_of(traded, silent, page_bars, Plan(240, a_minute))

    now = OPENING + befall(world, troubles)
    world.run(now, now + 6 * 60 * MINUTE)

    for number in range(traded):
        first = min(world.stream.documents(f"S{number}"))
        assert world.missing(f"S{number}", first, now + 4 * 60 * MINUTE) == []
        assert world.broken_lookbacks(f"S{number}") == []
