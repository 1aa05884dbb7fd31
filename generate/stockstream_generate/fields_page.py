"""docs/fields.md: the fields of the document, for people, from the table of fields."""

from collections.abc import Iterable, Sequence

from stockstream.fields import (
    AMOUNT,
    BAR_FIELDS,
    COUNT,
    DELIVERY_FIELDS,
    DOCUMENT_SCHEMA,
    INSTANT,
    PRICE,
    SHARE,
    TEXT,
    TIME,
    Field,
    list_indicators,
    lookback_lengths,
)
from stockstream.windows import Windows

UNITS = {
    PRICE: "price, in the quote currency",
    SHARE: "share: 0.01 is one per cent",
    TEXT: "text",
    TIME: "time, `YYYY-MM-DDTHH:MM:SSZ`",
    INSTANT: "time, `YYYY-MM-DDTHH:MM:SS.mmmZ`",
    AMOUNT: "amount",
    COUNT: "whole number",
}


PAGE = """\
# The fields of the document, `{schema}`

Made by `make generate` from `layers/common/stockstream/fields.py`; do not edit it by hand.

A document is one line of JSON. No number is ever NaN or infinite: what cannot be worked out is `null`.

## The bar, as the provider showed it

{bar}

## Its delivery

{delivery}

## What is worked out

Of the bar and its look-back, and of nothing else. "Closes" are those of the look-back and the bar's own.
The windows of `sma_n` and `ema_n` are the parameters `SmaWindows` and `EmaWindows`; here are the defaults.

{analytics}

## The look-back

What a record brings of the bars before its own, oldest first.
Each column reaches as far back as the indicators look:

{lookback}
"""


def write_page(windows: Windows) -> str:
    """The page, with the fields of these windows."""
    rows = list_indicators(windows)
    return PAGE.format(
        schema=DOCUMENT_SCHEMA,
        bar=_fields(BAR_FIELDS),
        delivery=_fields(DELIVERY_FIELDS),
        analytics=_fields(field for row in rows for field in row.fields),
        lookback=_table(
            ("column", "values", "used by"),
            (
                (
                    f"`{column}`",
                    str(length),
                    ", ".join(f"`{row.fields[0].name}`" for row in rows if column in row.columns),
                )
                for column, length in lookback_lengths(windows).items()
            ),
        ),
    )


def _fields(fields: Iterable[Field]) -> str:
    return _table(
        ("field", "what it says", "unit", "null"),
        (
            (f"`{field.name}`", field.words, UNITS.get(field.unit, field.unit), field.null or "never")
            for field in fields
        ),
    )


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '\\|') for cell in line)} |" for line in lines)
