"""What the functions log is a JSON line of which a person sees all."""

import json
from io import StringIO

import pytest

from stockstream.observability import logger


@pytest.mark.parametrize(
    "text", ["\x1b[31m", "\u202e", "\ud800", "\x7f\x9b", "\u2028", "é 日 \xa0 \U0001f600", '"\\']
)
def test_a_text_from_outside_neither_breaks_a_line_nor_moves_a_cursor(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    stream = StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)

    logger.warning("details not found", alarm=text, at={"a": [text]})

    line = stream.getvalue()
    assert line.endswith("\n")
    assert all(c.isprintable() or c == "\xa0" for c in line[:-1])
    assert line.encode()
    read = json.loads(line)
    assert (read["alarm"], read["at"], read["level"]) == (text, {"a": [text]}, "WARNING")
    assert "é" not in text or "é 日" in line
