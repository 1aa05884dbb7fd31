"""Filling: what becomes of each document."""

from stockstream_operate.search.fill import FillReport, route


def test_a_document_is_routed_as_the_pipeline_would() -> None:
    document = {
        "id": "fx:EUR/USD|1min|2026-11-30T23:59:00Z",
        "open_time": "2026-11-30T23:59:00Z",
        # 1 December 2026, 00:00:05.123 UTC: `date -ud '2026-12-01T00:00:05' +%s` says 1796083205
        "as_of": "2026-12-01T00:00:05.123Z",
    }

    assert route(document) == {
        "_index": "bars-2026-11",
        "_id": "fx:EUR/USD|1min|2026-11-30T23:59:00Z",
        "version": 1796083205123,
        "version_type": "external_gte",
    }


def test_a_tally_says_what_became_of_the_documents() -> None:
    report = FillReport(indexed=1200, outdated=3)
    report.refused["400: no"] += 2

    assert str(report) == "1,200 indexed, 3 older than what is there, 2 refused"
