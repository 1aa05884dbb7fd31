import pytest

from stockstream.alarm_words import Description, Severity, read_description


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[warning] Slow. Runbook: https://x.io/1",
            Description(Severity.WARNING, "Slow.", "https://x.io/1"),
        ),
        ("[CRITICAL] Slow.", Description(Severity.CRITICAL, "Slow.", None)),
        ("[info]Slow.", Description(Severity.INFO, "Slow.", None)),
        ("Slow.\nRunbook: https://x.io/1", Description(None, "Slow.", "https://x.io/1")),
        ("Runbook: https://x.io/1", Description(None, "", "https://x.io/1")),
        ("", Description(None, "", None)),
    ],
)
def test_takes_a_description_apart(text: str, expected: Description) -> None:
    assert read_description(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "[team-a] Slow.",
        "Slow [critical]",
        "Runbook: https://x.io/1 is old",
        "See MyRunbook: https://x.io/1",
        "Runbook: javascript:alert(1)",
        "Slow. Runbook: docs/runbook.md#slowalarm",
    ],
)
def test_what_has_another_form_stays_as_it_is(text: str) -> None:
    assert read_description(text) == Description(None, text, None)
