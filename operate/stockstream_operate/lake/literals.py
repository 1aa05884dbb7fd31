"""Texts and moments as literals of SQL, which Athena and DuckDB read alike."""

from datetime import datetime


def quoted(text: str) -> str:
    """A text as SQL has it: `'it''s'`."""
    return "'" + text.replace("'", "''") + "'"


def timestamp(moment: datetime) -> str:
    """A moment as SQL has it: `timestamp '2026-11-20 14:30:00.000'`.

    Args:
        moment: in UTC, with or without its zone.
    """
    return f"timestamp '{moment.replace(tzinfo=None).isoformat(' ', 'milliseconds')}'"
