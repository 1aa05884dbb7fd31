"""The examples of docs/guides.md, done in a copy of the repository: what they add is seen there."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from worked_examples import PAGE, ROOT, Change, apply, copy_repository, read_examples, replay

EXAMPLES = read_examples((ROOT / PAGE).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_repository(tmp_path_factory.mktemp("examples") / "clone")


@pytest.fixture(scope="module")
def seen(clone: Path) -> dict[str, Any]:
    return replay(clone)


def test_each_guide_whose_parts_are_all_here_has_an_example() -> None:
    assert [example.title for example in EXAMPLES] == [
        "the drawdown of 20 bars",
        "Gemini",
        "Discord",
        "metals",
        "busiest hours",
        "who said it",
    ]


def test_each_change_of_an_example_fits_what_is_here(tmp_path: Path) -> None:
    for path in {change.path for example in EXAMPLES for change in example.changes}:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).exists():
            shutil.copy(ROOT / path, tmp_path / path)

    for example in EXAMPLES:
        assert example.changes
        for change in example.changes:
            apply(change, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("title", [example.title for example in EXAMPLES])
def test_what_an_example_types_ends_well(seen: dict[str, Any], title: str) -> None:
    assert any(".venv/bin/pytest" in command for command in seen[title])
    assert set(seen[title].values()) == {0}


@pytest.mark.slow
def test_the_indicator_and_the_class_are_in_the_document_and_in_the_lake(seen: dict[str, Any]) -> None:
    record, document = seen["record"], seen["document"]
    closes = [*record["lookback"]["close"], record["close"]]
    assert len(closes) > 20
    expected = closes[-1] / max(closes[-20:]) - 1

    assert document["asset_class"] == "metal"
    assert document["drawdown_20"] == pytest.approx(expected, abs=1e-15)
    assert seen["lake"] == [["metal:XAU/USD", "metal", document["drawdown_20"]]]


@pytest.mark.slow
def test_what_is_made_of_the_sources_has_it(seen: dict[str, Any], clone: Path) -> None:
    assert seen

    def made(name: str) -> str:
        return (clone / name).read_text(encoding="utf-8")

    assert "| `drawdown_20` |" in made("docs/fields.md")
    assert "drawdown_20" in json.loads(made("docs/enriched.v1.schema.json"))["properties"]
    assert "drawdown_20" in made("template.yaml")
    assert "BusiestHoursQuery" in made("template.yaml")
    assert "|metal):" in made("template.yaml")
    assert "`gemini`" in made("docs/parameters.md")
    assert "Bars by provider" in made("dashboards/saved-objects.ndjson")
    assert "allowed_mentions" in made("tests/contract/payloads/alarm-ok.json")


def test_a_change_of_a_text_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("one\ntwo\ntwo\n")

    for before in ("three\n", "two\n"):
        with pytest.raises(ValueError, match=r"code\.py has [02] times"):
            apply(Change(Path("code.py"), before, "four\n"), tmp_path)
    with pytest.raises(ValueError, match="there already"):
        apply(Change(Path("code.py"), "", "four\n"), tmp_path)
    apply(Change(Path("code.py"), "one\n", "zero\none\n"), tmp_path)

    assert (tmp_path / "code.py").read_text() == "zero\none\ntwo\ntwo\n"
