"""docs/notebook.ipynb, cell by cell over a day with revisions: what it draws, and what its back-test knew."""

import ast
import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from delivered_day import DeliveredDay

from stockstream_operate.lake import access as lake_access

NOTEBOOK = json.loads((Path(__file__).parents[2] / "docs" / "notebook.ipynb").read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


class Run(NamedTuple):
    """What the cells left, and what Jupyter would show below each: the value of its last line."""

    names: dict[str, Any]
    shown: list[Any]


def run_cells() -> Run:
    names: dict[str, Any] = {}
    shown: list[Any] = []
    for place, source in enumerate(CODE):
        *before, last = ast.parse(source).body
        rest = before if isinstance(last, ast.Expr) else [*before, last]
        exec(compile(ast.Module(rest, []), f"cell {place}", "exec"), names)  # noqa: S102 (it is ours)
        value = ast.Expression(last.value) if isinstance(last, ast.Expr) else None
        shown.append(value and eval(compile(value, f"cell {place}", "eval"), names))  # noqa: S307 (it is ours)
    return Run(names, shown)


@pytest.fixture(scope="module")
def day() -> DeliveredDay:
    return DeliveredDay(seed=20261128)


@pytest.fixture(scope="module")
def run(day: DeliveredDay, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("notebook") / "lake"
    day.write(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake_access, "FOLDER", folder)
        return run_cells()


def test_no_output_is_kept_with_it() -> None:
    cells = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]

    assert NOTEBOOK["nbformat"] == 4
    assert [cell["outputs"] for cell in cells] == [[]] * len(CODE)
    assert {cell["execution_count"] for cell in cells} == {None}


def test_it_draws_a_candle_for_each_of_the_last_bars(run: Run, day: DeliveredDay) -> None:
    picture = next(each for each in run.shown if hasattr(each, "_repr_svg_"))
    svg = ET.fromstring(picture._repr_svg_())  # noqa: S314 (ours, as Jupyter calls it)
    bodies = [each for each in svg.iter() if each.get("aria-roledescription") == "bar"]
    latest = sorted(
        (bar for bar in day.latest.values() if bar["instrument"] == "IBM"), key=lambda bar: bar["open_time"]
    )[-90:]

    assert len(bodies) == 90
    up = sum(bar["open"] <= bar["close"] for bar in latest)
    colours = [each.get("fill") for each in bodies]
    assert (colours.count(run.names["UP"]), colours.count(run.names["DOWN"])) == (up, 90 - up)


def test_each_decision_follows_from_what_was_known_at_its_moment(run: Run, day: DeliveredDay) -> None:
    decisions = run.names["decisions"]
    expected = {}
    for moment in decisions.index:
        known = day.known_at(moment.to_pydatetime().replace(tzinfo=None))
        newest = max(
            (bar for bar in known.values() if bar["instrument"] == "IBM"), key=lambda bar: bar["open_time"]
        )
        averages = newest["sma_5"], newest["sma_20"]
        expected[moment] = None not in averages and averages[0] > averages[1]

    assert len(decisions) == 12
    assert decisions.to_dict() == expected
    assert {True, False} <= set(expected.values())


def test_what_is_earned_is_what_a_person_would_have_earned(run: Run, day: DeliveredDay) -> None:
    opens = {
        bar["open_time"].replace(tzinfo=UTC): bar["open"]
        for bar in day.latest.values()
        if bar["instrument"] == "IBM"
    }
    decisions = run.names["decisions"]
    paid: list[tuple[datetime, float]] = []
    for moment in decisions.index:
        later = [time for time in sorted(opens) if time > moment]
        if later:
            paid.append((moment, opens[later[0]]))
    money = 1.0
    for (moment, price), (_, next_price) in pairwise(paid):
        money *= next_price / price if decisions[moment] else 1

    table = next(each for each in run.shown if isinstance(each, pd.DataFrame) and "the rule" in each.index)
    assert table.loc["the rule", "return"] == pytest.approx(money - 1)
    assert table.loc["holding all the time", "return"] == pytest.approx(paid[-1][1] / paid[0][1] - 1)
    assert len(paid) >= 2
