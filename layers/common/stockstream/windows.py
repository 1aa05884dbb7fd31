"""The windows of the moving averages, which a stack chooses."""

from dataclasses import dataclass

from stockstream.errors import SettingsError

SHORTEST_WINDOW, LONGEST_WINDOW = 2, 1000
# CloudFormation makes the lake's tables and has no loops: the template has a place for so many.
MOST_WINDOWS = 10


@dataclass(frozen=True)
class Windows:
    """How many closes each simple and each exponential moving average takes."""

    sma: tuple[int, ...] = (5, 20, 50, 200)
    ema: tuple[int, ...] = (12, 26)


def parse_windows(sma: str, ema: str) -> Windows:
    """The windows of two comma-separated lists, such as `5,20,50,200` and `12,26`.

    Raises:
        SettingsError: an item is no whole number from 2 to 1,000, is listed twice, or there are too many.
    """
    return Windows(_parse_list("SMA_WINDOWS", sma), _parse_list("EMA_WINDOWS", ema))


def _parse_list(name: str, text: str) -> tuple[int, ...]:
    windows: list[int] = []
    for item in text.split(","):
        # The template splits the same text: of ` 20` or `020` it would make a column of another name.
        # isdecimal() alone takes other scripts' digits, and int() raises when there are thousands of them.
        is_number = (
            item.isascii() and item.isdecimal() and len(item) <= len(str(LONGEST_WINDOW)) and item[0] != "0"
        )
        if not is_number or not SHORTEST_WINDOW <= int(item) <= LONGEST_WINDOW:
            raise SettingsError(
                f"{name}: {item[:20]!r} is not a window; "
                f"write whole numbers from {SHORTEST_WINDOW} to {LONGEST_WINDOW}, "
                "separated by commas without spaces, as in 5,20,50"
            )
        if int(item) in windows:
            raise SettingsError(f"{name}: {item} is listed twice")
        windows.append(int(item))
    if len(windows) > MOST_WINDOWS:
        raise SettingsError(f"{name}: {len(windows)} windows are listed, and at most {MOST_WINDOWS} may be")
    return tuple(windows)
