"""The windows of the moving averages, and the look-back that they need."""

from dataclasses import dataclass

from stockstream.errors import SettingsError

# The windows of the other indicators are fixed. volatility_20 reaches furthest: 20 returns are 21 closes.
FIXED_CLOSES = 21
FIXED_BARS = 20
# What a look-back of `bar.v1` may hold whatever the windows are.
CONTRACT_CLOSES = 199
SHORTEST_WINDOW, LONGEST_WINDOW = 2, 1000


@dataclass(frozen=True, slots=True)
class Windows:
    """How many closes each simple and each exponential moving average takes."""

    sma: tuple[int, ...] = (5, 20, 50, 200)
    ema: tuple[int, ...] = (12, 26)

    @property
    def lookback_closes(self) -> int:
        """How many closes before a bar a full look-back holds."""
        return max(FIXED_CLOSES, *self.sma, *self.ema) - 1

    @property
    def longest_lookback_closes(self) -> int:
        """How many closes a look-back may hold: those of the contract, or more where a window needs them."""
        return max(CONTRACT_CLOSES, self.lookback_closes)

    @property
    def lookback_bars(self) -> int:
        """How many typical prices and volumes before a bar a full look-back holds."""
        return FIXED_BARS - 1


def parse_windows(sma: str, ema: str) -> Windows:
    """The windows of two comma-separated lists, such as `5,20,50,200` and `12,26`.

    Raises:
        SettingsError: an item is no whole number from 2 to 1,000, or stands there twice.
    """
    return Windows(_parse_list("SMA_WINDOWS", sma), _parse_list("EMA_WINDOWS", ema))


def _parse_list(name: str, text: str) -> tuple[int, ...]:
    windows: list[int] = []
    for item in (part.strip() for part in text.split(",")):
        # isdecimal() alone takes other scripts' digits, and int() raises when there are thousands of them.
        is_number = item.isascii() and item.isdecimal() and len(item) <= len(str(LONGEST_WINDOW))
        if not is_number or not SHORTEST_WINDOW <= int(item) <= LONGEST_WINDOW:
            raise SettingsError(
                f"{name}: {item[:20]!r} is not a window; "
                f"write whole numbers from {SHORTEST_WINDOW} to {LONGEST_WINDOW}, as in 5,20,50"
            )
        if int(item) in windows:
            raise SettingsError(f"{name}: {item} stands there twice")
        windows.append(int(item))
    return tuple(windows)
