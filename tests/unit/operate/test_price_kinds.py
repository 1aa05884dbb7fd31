"""What kind of prices a lake here holds, and where that is written down."""

from pathlib import Path

import pytest
from full_disk import fill_disk

from stockstream_operate.price_kinds import PriceKind, read_price_kind, write_price_kind


@pytest.mark.parametrize("kind", PriceKind)
def test_a_lake_is_marked_beside_its_files(tmp_path: Path, kind: PriceKind) -> None:
    write_price_kind(tmp_path / "lake", kind)

    assert read_price_kind(tmp_path / "lake") is kind
    # Where nothing has been delivered, there is no lake yet.
    assert not (tmp_path / "lake").exists()


def test_where_nothing_says_what_they_are_they_are_not_to_be_trusted(tmp_path: Path) -> None:
    assert read_price_kind(tmp_path / "lake") is PriceKind.INVENTED
    (tmp_path / "lake.price-kind").write_text("REAL")
    assert read_price_kind(tmp_path / "lake") is PriceKind.INVENTED


def test_each_kind_is_told_by_its_own_word() -> None:
    assert {kind.word for kind in PriceKind} == {"INVENTED", "RECORDED", "LIVE"}
    assert all(kind.words.endswith(".") for kind in PriceKind)


def test_a_full_disk_makes_no_other_prices_of_a_lakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run here with invented prices would go on in it."""
    write_price_kind(tmp_path / "lake", PriceKind.LIVE)
    fill_disk(monkeypatch)

    write_price_kind(tmp_path / "lake", PriceKind.LIVE)  # as it stands there already
    with pytest.raises(OSError, match="No space left"):
        write_price_kind(tmp_path / "lake", PriceKind.RECORDED)

    assert read_price_kind(tmp_path / "lake") is PriceKind.LIVE
