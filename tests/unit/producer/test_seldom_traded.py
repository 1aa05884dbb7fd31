"""What is seldom traded: its rhythm is known from the first answer on, however little later answers show."""

from datetime import timedelta

from minutes_of_a_producer import World, utc

from producer.planning.planner import Plan


def test_the_rhythm_of_a_coin_is_remembered_where_an_answer_shows_one_bar() -> None:
    coin = "crypto:BTC/USD"
    world = World(coin, Plan(None, 2), (utc(1, 0), utc(21, 0)), alpaca=True)
    minutes = world.market.times[coin]
    world.market.times[coin] = [each for each in minutes if each.hour % 3 == each.minute == 0]
    quiets = []
    for hour in (13, 14, 15, 16):
        world.run(utc(20, hour, 30), utc(20, hour, 33))
        quiets.append(world.ledger_item.page.ledger.of_instrument(coin).quiet)

    # From the end of the bar of 9:00 to that of 12:00, and so on.
    assert quiets == [timedelta(minutes=179)] * 4
    # One for the last 100 minutes, one for two weeks, and then one a minute.
    assert len(world.server.asked) == 2 + 11
