"""`stockstream search` as a person uses it, on osmem-server and a fake of Dashboards."""

from collections.abc import Iterator
from io import StringIO

import pytest
from fake_dashboards import run_fake_dashboards

from stockstream_dashboards.osmem import run_osmem
from stockstream_local.cli import main
from stockstream_operate.search import search_command
from stockstream_operate.stack import Stack, StackError


@pytest.fixture
def endpoint() -> Iterator[str]:
    with run_osmem() as endpoint:
        yield endpoint


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code, and what was said, on one line."""
    code = main(["search", *arguments])
    said = capsys.readouterr()
    return code, " ".join((said.out + said.err).split())


def test_what_was_installed_is_found_again_and_a_second_time_changes_nothing(
    endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with run_fake_dashboards() as fake:
        where = ("--endpoint", endpoint, "--dashboards-url", fake.url)
        before = run(capsys, "check", *where)
        installed = run(capsys, "install", *where)
        again = run(capsys, "install", *where)
        checked = run(capsys, "check", *where)

    for part in ("index template", "template of refused documents", "dashboards"):
        assert f"{part} missing" in before[1]
        assert f"{part} made" in installed[1]
        assert f"{part} right" in again[1]
        assert f"{part} right" in checked[1]
    assert "run `stockstream search install`" in before[1]
    # osmem-server is no place for a delivery stream, and the command does not say that it were.
    for code, said in (installed, again, checked):
        assert code == 1
        assert "All that this server can hold is in place, but this server has no ingest pipelines" in said
        assert "run `stockstream search install`" not in said


def test_without_an_address_of_dashboards_it_says_how_to_have_them(
    endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, said = run(capsys, "install", "--endpoint", endpoint)

    assert "dashboards skipped give --dashboards-url" in said


def test_a_server_that_cannot_be_reached_is_not_called_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    with run_osmem() as endpoint:
        pass

    for verb in ("check", "install"):
        code, said = run(capsys, verb, "--endpoint", endpoint)
        assert code == 1
        assert said.startswith(f"stockstream: {endpoint} cannot be reached.")
        assert "not as it should be" not in said


def test_dashboards_may_be_below_a_path_but_not_in_the_clear_elsewhere(
    endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with run_fake_dashboards() as fake:
        _, said = run(capsys, "check", "--endpoint", endpoint, "--dashboards-url", f"{fake.url}/bars/")
        assert f"404: {fake.url}/bars knows no such thing" in said

    _, said = run(capsys, "check", "--endpoint", endpoint, "--dashboards-url", "http://example.org")
    assert "http://example.org" in said
    assert "write https://" in said


def test_a_door_is_for_servers_whose_requests_are_signed(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(capsys, "open", "--endpoint", "http://127.0.0.1:9200")

    assert code == 1
    assert "open its Dashboards itself" in said


def test_filling_needs_no_day_to_begin_with(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_none(_name: str | None) -> Stack:
        raise StackError("Nothing runs here.")

    monkeypatch.setattr(search_command, "find_stack", find_none)

    assert run(capsys, "fill") == (1, "stockstream: Nothing runs here.")


def test_a_day_to_begin_with_must_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["search", "fill", "--since", "yesterday"])

    assert ended.value.code == 2
    assert "'yesterday' is no day" in capsys.readouterr().err


def test_without_a_terminal_the_password_must_be_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STOCKSTREAM_SEARCH_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", StringIO())

    code, said = run(capsys, "check", "--endpoint", "http://127.0.0.1:1", "--user", "ann")

    assert (code, said.endswith("set STOCKSTREAM_SEARCH_PASSWORD.")) == (1, True)
