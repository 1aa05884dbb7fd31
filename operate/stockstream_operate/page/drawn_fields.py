"""Which fields of the document the page draws, and where: the table of fields says which there are."""

from dataclasses import asdict, dataclass

from stockstream.fields import Field, list_fields
from stockstream.windows import Windows

OVER, RSI, RETURNS = "over", "rsi", "returns"
# A field's name begins with what it is: sma_20, bollinger_upper_20, rsi_14.
_PLACES = {"sma": OVER, "ema": OVER, "vwap": OVER, "bollinger": OVER, "rsi": RSI, "return": RETURNS}
_BAND, _RETURN = "bollinger", "return_1"


@dataclass(frozen=True, slots=True)
class DrawnField:
    """A field that is drawn.

    Attributes:
        name: the field's.
        label: what the page calls it.
        words: what it says, for people.
        place: OVER the candles, or below them in the panel of RSI or RETURNS.
        group: what is switched on and off together: a band is one thing with two edges.
        is_shown: whether it is drawn from the start: what the dashboards draw is.
    """

    name: str
    label: str
    words: str
    place: str
    group: str
    is_shown: bool


def list_drawn_fields(windows: Windows) -> tuple[DrawnField, ...]:
    """The drawn fields of a stack with these windows, in the document's order."""
    return tuple(
        _draw(field, place)
        for field in list_fields(windows)
        if (place := _PLACES.get(field.name.partition("_")[0]))
        # One bar each, so that the panel is that of one number.
        and (place != RETURNS or field.name == _RETURN)
    )


def shape_fields(fields: tuple[DrawnField, ...]) -> list[dict[str, str | bool]]:
    """The fields as JSON has them."""
    return [asdict(field) for field in fields]


def _draw(field: Field, place: str) -> DrawnField:
    kind, *_, window = field.name.split("_")
    group = f"{kind}_{window}" if kind == _BAND else field.name
    label = {_BAND: f"Bollinger {window}", "return": "Return"}.get(kind, f"{kind.upper()} {window}")
    return DrawnField(
        field.name,
        label,
        field.words.replace("`", ""),
        place,
        group,
        place != OVER or field.chart is not None,
    )
