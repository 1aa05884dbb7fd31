"""What people type wrong ends in a sentence: what is wrong, and what to do; and never in a traceback."""

from pathlib import Path

import pytest

from stockstream_local import cli


def say(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int | str | None, str]:
    """How a command ends, and what it says then, on one line."""
    try:
        status: int | str | None = cli.main(arguments)
    except SystemExit as ended:
        status = ended.code
    said = capsys.readouterr()
    return status, " ".join((said.out + said.err).split())


@pytest.mark.parametrize(
    ("typed", "status", "says"),
    [
        ("compact --since yesterday", 2, "'yesterday' is no day: write it as 2026-11-01"),
        ("compact --since 2026-11-31", 2, "'2026-11-31' is no day"),
        ("cost --instruments many", 2, "'many' is no whole number above 0"),
        ("cost --instruments 0", 2, "'0' is no whole number above 0"),
        ("cost --requests-per-day -1", 2, "'-1' is no whole number: write 25, or 0 for no limit"),
        ("page --port 65536", 2, "'65536' is no port: write a number from 1 to 65535"),
        ("up --port 0", 2, "'0' is no port"),
        ("search open --port eight", 2, "'eight' is no port"),
        ("search check --endpoint https://search.example.org:x", 1, "cannot be used: write https://..."),
        ("search check --endpoint https://search.example.org:65536", 1, "cannot be used: write https://..."),
        (
            "instruments check no-such-file.txt",
            1,
            "no-such-file.txt cannot be read: No such file or directory",
        ),
        ("instruments check .", 1, ". cannot be read: Is a directory"),
    ],
)
def test_a_mistake_is_named_with_what_to_write_instead(
    capsys: pytest.CaptureFixture[str], typed: str, status: int, says: str
) -> None:
    ended, said = say(capsys, *typed.split())

    assert (ended, says in said) == (status, True), said


def test_the_doctor_names_a_profile_that_is_not_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would find nothing else out, and blamed the local AWS."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    ended, said = say(capsys, "doctor")

    assert ended == 1
    assert "credentials The config profile (nobody) could not be found → Set AWS_PROFILE to another" in said
    assert "local AWS" not in said
