"""What is committed and follows from something else is what would be made of it today."""

import pytest

from stockstream_generate.files import FILES, is_stale


# exchange_calendars asks pandas in a way that pandas will drop.
@pytest.mark.filterwarnings("ignore:Series.values returning an ndarray")
@pytest.mark.parametrize("name", FILES)
def test_a_generated_file_is_current(name: str) -> None:
    assert not is_stale(name), "run `make generate`"
