"""Whatever refuses: in the end every bar of Alpaca's is in the stream, and looks back on all before it.

Random numbers of instruments, pages and requests; the stream refuses, the provider is down, or there are no
runs, each for up to three hours.
"""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from minutes_of_a_producer import MINUTE, AlpacaServer, World, utc

from producer.planning.planner import Plan

OPENING = utc(20, 14, 30)
TROUBLES = st.lists(
    st.tuples(
        st.sampled_from(["stream", "provider", "no runs"]),
        st.integers(1, 180),
        st.integers(1, 30),
        st.booleans(),
    ),
    max_size=3,
)


@given(st.integers(1, 5), st.integers(0, 2), st.integers(150, 3000), st.integers(1, 4), TROUBLES)
@settings(max_examples=25)
def test_in_the_end_each_bar_is_sent_and_each_look_back_is_whole(
    traded: int, silent: int, page_bars: int, a_minute: int, troubles: list[tuple[str, int, int, bool]]
) -> None:
    quiet = [f"Q{number}" for number in range(silent)]
    names = [f"S{number}" for number in range(traded)] + quiet
    # A market that never closes, so that there is no close after which nobody asks.
    world = World(
        ",".join(names),
        Plan(None, a_minute),
        (OPENING, utc(22, 0)),
        alpaca=True,
        hours="always",
        silent=quiet,
    )
    assert isinstance(world.server, AlpacaServer)
    world.server.page_bars = page_bars
    now = OPENING + 30 * MINUTE
    world.run(OPENING, now)
    for kind, minutes, calm, dies in troubles:
        end = now + minutes * MINUTE
        world.stream.refuses = kind == "stream"
        world.server.refuse = lambda _asked, kind=kind: ConnectionError() if kind == "provider" else None  # type: ignore[misc]
        if kind != "no runs":
            world.run(now, end)
        world.stream.refuses = False
        world.server.refuse = lambda _asked: None
        if dies:
            world.new_container()
        now = end + calm * MINUTE
        world.run(end, now)
    # No more than 600 minutes of five instruments wait: 3,000 bars, and a page brings 150 or more of them.
    world.run(now, now + 60 * MINUTE)

    end = now + 50 * MINUTE
    for name in names[:traded]:
        first = min(world.stream.documents(name))
        assert world.missing(name, first, end) == []
        assert world.broken_lookbacks(name) == []
        assert first <= OPENING + timedelta(minutes=60)
