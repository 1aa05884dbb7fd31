"""The chart library's scripts, which come inside a package: Apache ECharts, as NiceGUI brings it.

Only these files are taken; NiceGUI itself is not imported.
"""

import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from stockstream.errors import StockstreamError

# An ES module that exports `echarts`. What lies beside it and is not imported draws in three dimensions.
ENTRY = "index.js"
_IMPORTS = re.compile(r"""from\s*["']\./([^"']+)["']""")
_PACKAGE, _FOLDER = "nicegui", "nicegui/elements/echart/dist/"


class NoScriptsError(StockstreamError):
    """The chart library is not installed; the text says what to do."""


def find_scripts() -> Mapping[str, Path]:
    """The scripts by the names that they import each other by.

    Raises:
        NoScriptsError: they are not where the package has them.
    """
    try:
        listed = files(_PACKAGE) or []
    except PackageNotFoundError:
        listed = []
    found = {each.name: Path(str(each.locate())) for each in listed if str(each).startswith(_FOLDER)}
    if ENTRY not in found or not found[ENTRY].exists():
        raise NoScriptsError("The chart library is not installed, or has moved: run `make setup` again.")
    imported = _IMPORTS.findall(found[ENTRY].read_text(encoding="utf-8"))
    return {name: found[name] for name in (ENTRY, *imported)}
