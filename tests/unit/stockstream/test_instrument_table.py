from stockstream.instrument_table import ledger_key


def test_each_provider_has_a_ledger_of_its_own() -> None:
    assert ledger_key("replay") == "ledger|replay"
