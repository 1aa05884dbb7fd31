"""`make drill`: which days it plays, how it goes on after it was stopped, and when it has failed."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import drill
import pytest
from broken_promises import BROKEN
from days import Day
from kept import Kept, NothingKeptError
from picture import Strip
from report import KINDS, Outcome

MOMENTS = Counter(f"{side} {call}" for side in ("before", "after") for call in drill.CALLS)


class Played:
    """Days that are not played, in this process; what is wrong in each by its seed or broken promise."""

    def __init__(self) -> None:
        self.played: list[int | str] = []
        self.wrong: dict[int | str, list[str]] = {name: ["IBM: lost"] for name in BROKEN}
        self.kinds = Counter(kind for group in KINDS.values() for kind in group)

    def notice(self, name: str, _seed: int) -> list[str]:
        self.played.append(name)
        return self.wrong[name]

    def play(self, day: Day, seed: int) -> Outcome:
        self.played.append(seed)
        wrong = self.wrong.get(seed, [])
        strip = Strip(day.name, [0.0], [], [], [])
        counts = Counter(run=9), self.kinds, Counter[str](), MOMENTS
        return Outcome(day.name, seed, 100, 110, wrong, timedelta(minutes=3), 2, 4, *counts, strip, 60.0)

    def in_parallel[Given, Done](
        self, do: Callable[[Given], Done], given: Sequence[Given], say_done: Callable[[Done, str], None]
    ) -> list[Done]:
        done = [do(each) for each in given]
        for each in done:
            say_done(each, "")
        return done


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Played:
    days = Played()
    monkeypatch.setattr(drill, "play", days.play)
    monkeypatch.setattr(drill, "notice", days.notice)
    monkeypatch.setattr(drill, "in_parallel", days.in_parallel)
    monkeypatch.setattr(drill, "KEPT", Kept(tmp_path / "kept", []))
    return days


def test_twenty_days_are_played_and_each_promise_is_broken(days: Played) -> None:
    assert drill.main([]) == 0

    assert len({each for each in days.played if isinstance(each, int)}) == 20
    assert days.played[20:] == list(BROKEN)


def test_days_that_were_asked_for_are_played_alone(days: Played) -> None:
    assert drill.main(["--seeds", "7", "200-202"]) == 0
    assert days.played == [7, 200, 201, 202]


def test_a_drill_that_was_stopped_goes_on_where_it_was(days: Played) -> None:
    days.wrong[8] = ["IBM: lost"]
    days.in_parallel(
        drill.play_seed, drill.choose_seeds(drill.read_arguments(["--seeds", "7-9"]))[:2], drill.say
    )

    assert drill.main(["--resume"]) == 1  # what was wrong is wrong still
    assert days.played == [7, 8, 9]


def test_a_drill_of_other_code_is_not_gone_on_with(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    Kept(tmp_path / "kept", [code]).begin([1])
    (code / "producer.py").write_text("now = 1\n")

    with pytest.raises(NothingKeptError, match="the code has changed"):
        Kept(tmp_path / "kept", [code]).resume()


def test_there_is_nothing_to_go_on_with(days: Played, capsys: pytest.CaptureFixture[str]) -> None:
    assert drill.main(["--resume"]) == 2
    assert capsys.readouterr().err == "make drill: no drill was begun: leave --resume out\n"
    assert days.played == []


def test_a_broken_promise_has_three_days_to_be_noticed(
    days: Played, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    name = "a lease never ends"
    days.wrong[name] = []

    assert drill.main(["--seeds", "7", "--report", str(tmp_path / "page.md")]) == 1
    assert days.played.count(name) == 3
    assert f"broken: {name}: NOT NOTICED" in capsys.readouterr().out
    assert f"| {name} | none |" in (tmp_path / "page.md").read_text()


@pytest.mark.parametrize(("wrong", "missing"), [({7: ["IBM: lost"]}, ""), ({}, "key rotated")])
def test_a_day_with_something_wrong_fails_and_so_does_what_never_took_place(
    days: Played, tmp_path: Path, wrong: dict[int | str, list[str]], missing: str
) -> None:
    days.wrong |= wrong
    days.kinds[missing] = 0

    assert drill.main(["--seeds", "7", "--report", str(tmp_path / "page.md")]) == 1


@pytest.mark.usefixtures("days")
def test_the_report_is_a_page_with_its_picture(tmp_path: Path) -> None:
    page = tmp_path / "page.md"

    assert drill.main(["--seeds", "7", "200-201", "--report", str(page)]) == 0
    assert "make drill ARGS='--report --seeds 7 200-201'" in page.read_text()
    assert "](page.svg)" in page.read_text()
    assert page.with_suffix(".svg").read_text().startswith("<svg")
