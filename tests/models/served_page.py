"""The page as `stockstream page` serves it, of any folder of delivered files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from stockstream.windows import Windows
from stockstream_operate.lake.sql import make_lake_sql
from stockstream_operate.page.kept_lake import KeptLake
from stockstream_operate.page.lake_watch import LakeWatch
from stockstream_operate.page.page_server import PageServer, serve_page
from stockstream_operate.page.scripts import find_scripts
from stockstream_operate.page.views import Subject, Views
from stockstream_operate.price_kinds import PriceKind
from stockstream_operate.stack_report import StackReport

LOOK_SECONDS = 0.1


@contextmanager
def serve_lake(
    folder: Path,
    find_runs: Callable[[], bool] = lambda: True,
    kind: PriceKind = PriceKind.INVENTED,
    port: int | None = 0,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    report: Callable[[], StackReport] = StackReport,
) -> Iterator[PageServer]:
    """Serves a lake from `with` to its end, at a free port if none is named."""
    subject = Subject("the last run here", lambda: kind, Windows(), find_report=report)
    with (
        KeptLake(folder, make_lake_sql(subject.windows)) as kept,
        LakeWatch(kept, LOOK_SECONDS, find_runs) as watch,
        serve_page(port, find_scripts(), Views(subject, kept, watch, now).view, watch) as server,
    ):
        yield server


def address(server: PageServer) -> str:
    """What is printed for the user."""
    return f"{server.url}?key={server.access.key}"
