"""Which modules `make mutants` breaks, and the tests that must notice.

All of the producer, the transform and the layer, so that a new module is in, but for what LEFT_OUT names with
the reason.
"""

import ast
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Subject(NamedTuple):
    """A module, where it stands, and the tests that must notice what is wrong with it: the quickest first."""

    module: str
    file: Path
    tests: tuple[str, ...]

    def digest(self) -> str:
        """Of what the module computes: another layout or other comments and docstrings leave it as it is."""
        tree = _WithoutDocstrings().visit(ast.parse(self.file.read_text(encoding="utf-8")))
        return blake2b(ast.dump(tree).encode(), digest_size=4).hexdigest()


class _WithoutDocstrings(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) else node


# The tests of a module stand where its name says; these are run besides, or instead where they are quicker.
EXACT = "property/test_transform_exactness.py"
FIREHOSE = "unit/transform/test_firehose.py"
CATALOGUE = ("unit/producer/providers/test_catalogue.py",)
PLANNER = ("unit/producer/planning", "unit/producer/test_production.py")
ALSO = {
    "stockstream.bars": ("unit/stockstream/test_records.py",),
    "stockstream.exchanges": ("unit/stockstream/test_sessions.py",),
    "stockstream.fields": ("unit/generate", EXACT),
    "stockstream.indicators": ("unit/transform/test_references.py", EXACT),
    "stockstream.instruments": ("unit/stockstream/test_records.py",),
    "stockstream.intervals": ("unit/producer/providers",),
    "stockstream.lookbacks": ("unit/producer/publishing", "unit/transform/test_references.py"),
    "stockstream.prices": ("unit/producer/publishing",),
    "stockstream.records": ("property/test_transform_fuzz.py",),
    "stockstream.sessions": ("unit/stockstream/test_regular_hours.py",),
    "stockstream.settings": ("unit/producer/test_settings.py", "unit/alert/test_settings.py"),
    "stockstream.splits": ("unit/producer/publishing/test_restating.py",),
    "stockstream.times": ("unit/stockstream/test_records.py",),
    "stockstream.validation": ("unit/stockstream/test_records.py",),
    "transform.answers": (FIREHOSE, "property/test_transform_fuzz.py"),
    "transform.documents": (FIREHOSE, EXACT),
    "transform.firehose": ("unit/transform/test_handler.py",),
    "transform.report": ("unit/transform/test_handler.py", FIREHOSE),
    "producer.backfill": ("unit/producer/test_unfinished_backfill.py",),
    "producer.fetched": (
        "unit/producer/test_bookkeeping.py",
        "unit/producer/test_production.py",
    ),
    "producer.fetching": (
        "unit/producer/test_backfill.py",
        "unit/producer/test_production.py",
    ),
    "producer.memory.tail": ("unit/producer/publishing", "unit/producer/memory"),
    "producer.memory.tail_codec": ("property/test_tail_codec_property.py",),
    "producer.memory.tail_items": ("property/test_tail_items_property.py",),
    "producer.planning.allowance": PLANNER,
    "producer.planning.backlog": PLANNER,
    "producer.planning.coverage": PLANNER,
    "producer.planning.ledger": PLANNER,
    "producer.planning.ledger_entries": PLANNER,
    "producer.planning.overdue": PLANNER,
    "producer.planning.planner": (
        *PLANNER,
        "unit/producer/test_backfill.py",
        "property/test_planner_properties.py",
    ),
    "producer.planning.rereading": PLANNER,
    "producer.providers.alpaca": CATALOGUE,
    "producer.providers.alphavantage": CATALOGUE,
    "producer.providers.kraken": CATALOGUE,
    "producer.providers.alpaca_pages": ("unit/producer/providers/test_alpaca.py",),
    "producer.providers.alphavantage_answers": ("unit/producer/providers/test_alphavantage.py",),
    "producer.providers.kraken_answers": ("unit/producer/providers/test_kraken.py",),
    "producer.providers.answers": ("unit/producer/providers",),
    "producer.providers.reading": ("unit/producer/providers",),
    "producer.providers.admission": ("unit/producer/test_odd_sessions.py",),
    "producer.publishing.history": ("unit/producer/test_filled_holes.py",),
    "producer.publishing.post": (
        "unit/producer/publishing",
        "unit/producer/test_production.py",
        "property/test_producer_promise.py",
    ),
    "producer.publishing.publisher": (
        "unit/producer/publishing",
        "unit/producer/test_production.py",
        "property/test_producer_promise.py",
    ),
    "producer.report": (
        "unit/producer/test_bar_delays.py",
        "unit/producer/test_impossible_bars.py",
        "unit/producer/test_production.py",
        "unit/producer/test_odd_sessions.py",
        "unit/producer/test_wrong_symbols.py",
    ),
    "producer.publishing.publication": (
        "unit/producer/publishing/test_restating.py",
        "unit/producer/test_production.py",
        "property/test_producer_promise.py",
    ),
    "producer.publishing.sending": (
        "unit/producer/test_bookkeeping.py",
        "unit/producer/publishing",
        "unit/producer/test_production.py",
    ),
    "producer.session_report": ("unit/producer/test_odd_sessions.py",),
    "producer.reported_bars": ("unit/producer/test_impossible_bars.py",),
}
PACKAGES = {
    "stockstream": ROOT / "layers" / "common",
    "transform": ROOT / "functions" / "transform",
    "producer": ROOT / "functions" / "producer",
}
# Modules that compute and decide nothing: shapes and names, and wiring to AWS and the network, which
# tests/integration and tests/local run.
LEFT_OUT = {
    "stockstream.bar_stream": "wiring to Kinesis",
    "stockstream.calendars": "data, generated",
    "stockstream.deadline_connections": "wiring to sockets",
    "stockstream.errors": "names and texts",
    "stockstream.guarded_http": "wiring to the network; what it decompresses is inflating's",
    "stockstream.instrument_table": "one name",
    "stockstream.observability": "wiring to the logger and the metrics",
    "transform.handler": "wiring",
    "transform.settings": "wiring to the environment",
    "producer.listed_instruments": "wiring to S3 and DynamoDB; what a file lists is instrument_file's",
    "producer.handler": "wiring",
    "producer.markets.watchlist": "shapes",
    "producer.memory.instrument_table": "wiring to DynamoDB",
    "producer.memory.lease": "wiring to DynamoDB",
    "producer.memory.ledger_item": "wiring to DynamoDB",
    "producer.memory.list_item": "wiring to DynamoDB",
    "producer.memory.split_item": "wiring to DynamoDB; what the item says is splits'",
    "producer.ohlcv": "shapes",
    "producer.production": "wiring of all parts",
    "producer.providers.catalogue": "names",
    "producer.providers.provider": "shapes",
    "producer.providers.provider_errors": "names and texts",
    "producer.providers.provider_http": "wiring to the network",
    "producer.providers.replay": "wiring to the network",
    "producer.settings": "wiring to the environment",
}


def list_subjects() -> Iterator[Subject]:
    """Every module that is not left out."""
    for module, file in _walk():
        if module in LEFT_OUT:
            continue
        *rooms, name = module.split(".")
        own = "/".join(["unit", *rooms, f"test_{name}.py"])
        # Files, and no folders: pytest would run the files of a folder in their own order.
        tests = dict.fromkeys(
            str(test.relative_to(ROOT))
            for place in (own, *ALSO.get(module, ()))
            for test in _test_files(ROOT / "tests" / place)
        )
        yield Subject(module, file, tuple(tests))


def find_strays() -> list[str]:
    """What ALSO and LEFT_OUT name that there is no longer."""
    modules = {module for module, _ in _walk()}
    strays = [f"{module}: there is no such module" for module in (ALSO | LEFT_OUT).keys() - modules]
    for module, places in ALSO.items():
        strays += [
            f"{module}: there is no tests/{each}" for each in places if not (ROOT / "tests" / each).exists()
        ]
    return strays


def _walk() -> Iterator[tuple[str, Path]]:
    for package, folder in PACKAGES.items():
        for file in sorted((folder / package).rglob("*.py")):
            module = ".".join(file.relative_to(folder).with_suffix("").parts)
            if file.name != "__init__.py":
                yield module, file


def _test_files(place: Path) -> Sequence[Path]:
    """The test files of a folder, or a file itself; none where there is no such file."""
    return sorted(place.rglob("test_*.py")) if place.is_dir() else [place] if place.exists() else []
