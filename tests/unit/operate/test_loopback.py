"""Requests of web pages to servers on this machine: Host and Origin as browsers send them."""

import pytest

from stockstream_operate.loopback import is_foreign


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "host.docker.internal:8501"])
def test_a_program_on_this_machine_names_it_and_no_page(host: str) -> None:
    assert not is_foreign(host, None, 8501)


@pytest.mark.parametrize(
    "host", [None, "", "evil.test:8501", "evil.test", "127.0.0.1", "127.0.0.1:80", "127.0.0.1.evil.test:8501"]
)
def test_a_name_that_was_made_to_point_here_is_foreign(host: str | None) -> None:
    assert is_foreign(host, None, 8501)
    assert is_foreign(host, None, 8501, has_pages=True)


@pytest.mark.parametrize(
    "origin", ["http://evil.test", "null", "", "https://127.0.0.1:8501", "http://127.0.0.1:8502"]
)
def test_a_page_from_elsewhere_is_foreign(origin: str) -> None:
    assert is_foreign("127.0.0.1:8501", origin, 8501)
    assert is_foreign("127.0.0.1:8501", origin, 8501, has_pages=True)


def test_its_own_pages_are_at_home_where_it_has_some() -> None:
    assert not is_foreign("127.0.0.1:8501", "http://127.0.0.1:8501", 8501, has_pages=True)
    assert is_foreign("127.0.0.1:8501", "http://127.0.0.1:8501", 8501)
