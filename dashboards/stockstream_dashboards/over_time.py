"""The panels that draw fields of the document over time: which fields, and how, the table of fields says.

What belongs to a panel as such (its axis, its limits, what it says when it is empty) stands in
dashboards/over-time.json, beside the spec that they all share.
"""

import json
from collections.abc import Iterator
from typing import Any

from stockstream.fields import Chart, list_fields
from stockstream.windows import Windows
from stockstream_operate.workplace import ROOT

# The colour-blind tell them apart, too, and both themes show them: tests say how well.
UP_COLOR, DOWN_COLOR = "#009E73", "#D55E00"
COLORS = ("#3D7CC9", "#A45CC0")
BAR_COLOR = "#8A94A6"
_DASHES = [[1, 0], [6, 3]]

# How long a candle lasts, for people.
_STEP = (
    "'candles of ' + (datum.minutes < 60 ? datum.minutes + ' min' : datum.minutes < 1440 "
    "? datum.minutes / 60 + ' h' : datum.minutes / 1440 + ' d')"
)

type Spec = dict[str, Any]

_SOURCE: dict[str, Any] = json.loads((ROOT / "dashboards" / "over-time.json").read_text(encoding="utf-8"))
OVER_TIME: dict[str, dict[str, Any]] = _SOURCE["panels"]


def charted(panel: str, mark: str | None = None) -> dict[str, Chart]:
    """The fields that a panel draws, by name; with a mark, those that are drawn so.

    A stack with other windows lacks some averages, and the panel leaves out what no document has.
    """
    return {
        field.name: field.chart
        for field in list_fields(Windows())
        if field.chart and field.chart.panel == panel and mark in {None, field.chart.mark}
    }


def make_panel(name: str) -> Spec:
    """A panel's Vega-Lite spec."""
    panel = OVER_TIME[name]
    named = "datum.instrument.key + ', ' + datum.instrument.bars.buckets[0].key + ' bars'"
    values = {
        "@name": name.removeprefix("market-"),
        "@steps": panel["steps"],
        "@bars": _bars_of_a_step(name),
        "@marks": list(_marks(name)),
        "@limits": json.dumps(panel["limits"]),
        "@limit": _y("limit", panel),
        "@label": named + panel["label"],
        "@empty": panel["empty"],
    }
    spec: Spec = _put(_SOURCE["spec"], values)
    if not panel["limits"]:
        spec["layer"] = [layer for layer in spec["layer"] if layer.get("name") != "limits"]
    return spec


def _put(value: Any, values: dict[str, Any]) -> Any:  # noqa: ANN401 (JSON)
    """The shared spec with a panel's own values in their places."""
    if isinstance(value, dict):
        return {key: _put(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_put(item, values) for item in value]
    return values.get(value, value) if isinstance(value, str) else value


def _bars_of_a_step(name: str) -> Spec:
    """What a panel asks of the bars of a step: the last, and what a candle needs of those before it."""
    candle = charted(name, "candle")
    fields = [field for field in charted(name) if field not in {*candle} - {"close"}]
    last = {"last": _one_bar("desc", "open_time", *fields)}
    if not candle:
        return last
    return {
        "first": _one_bar("asc", "open"),
        "high": {"max": {"field": "high"}},
        "low": {"min": {"field": "low"}},
        **last,
    }


def _one_bar(order: str, *fields: str) -> Spec:
    return {"top_hits": {"size": 1, "sort": [{"open_time": order}], "_source": list(fields)}}


def _candles(name: str) -> Spec:
    """The candles of a panel: from low to high a rule, from open to close a body, even of no height."""
    panel = OVER_TIME[name]
    prices = {
        "open": "datum.time.first.hits.hits[0]._source.open",
        "high": "datum.time.high.value",
        "low": "datum.time.low.value",
        "close": "datum.bar.close",
    }
    color = {"condition": {"test": "datum.close < datum.open", "value": DOWN_COLOR}, "value": UP_COLOR}
    tooltip = [
        {"field": "opens", "type": "temporal", "title": "opened", "format": "%Y-%m-%d %H:%M"},
        *(_number(field, chart.label, panel) for field, chart in charted(name, "candle").items()),
        {"field": "time.doc_count", "type": "quantitative", "title": "bars"},
    ]
    return {
        "transform": [
            *({"calculate": price, "as": field} for field, price in prices.items()),
            {"calculate": "toDate(datum.from)", "as": "opens"},
            {"calculate": "toDate(datum.from + 0.15 * datum.step)", "as": "left"},
            {"calculate": "toDate(datum.from + 0.85 * datum.step)", "as": "right"},
        ],
        "layer": [
            {
                "name": "wicks",
                "mark": {"type": "rule", "tooltip": True},
                "encoding": {
                    "y": _y("low", panel),
                    "y2": {"field": "high"},
                    "color": color,
                    "tooltip": tooltip,
                },
            },
            {
                "name": "bodies",
                "mark": {"type": "rect", "strokeWidth": 1, "tooltip": True},
                "encoding": {
                    "x": {"field": "left", "type": "temporal"},
                    "x2": {"field": "right"},
                    "y": _y("open", panel),
                    "y2": {"field": "close"},
                    "fill": color,
                    "stroke": color,
                    "tooltip": tooltip,
                },
            },
            {
                "name": "width",
                "transform": [
                    {"aggregate": [{"op": "min", "field": "step", "as": "step"}]},
                    {"calculate": "datum.step / 60000", "as": "minutes"},
                    {"calculate": _STEP, "as": "label"},
                ],
                # Neither filled nor drawn by the panel itself, so that the text is in the theme's colour.
                "mark": {
                    "type": "text",
                    "style": "guide-label",
                    "filled": False,
                    "stroke": None,
                    "align": "right",
                    "baseline": "bottom",
                    "fontSize": 12,
                },
                "encoding": {
                    "text": {"field": "label"},
                    "x": {"value": "width"},
                    "y": {"value": -5},
                },
            },
        ],
    }


def _marks(name: str) -> Iterator[Spec]:
    """From the back to the front: an area between two fields, candles, bars, and lines for the mouse, too."""
    panel = OVER_TIME[name]
    if edges := list(charted(name, "area")):
        upper, lower = edges
        yield {
            "name": "bands",
            "mark": {"type": "area", "color": COLORS[0], "opacity": 0.18},
            "encoding": {"y": _y(f"bar.{upper}", panel), "y2": {"field": f"bar.{lower}"}},
        }
    for field, chart in charted(name, "bar").items():
        yield {
            "name": "bars",
            "transform": [{"filter": f"isValid(datum.bar.{field})"}],
            "mark": {"type": "bar", "color": BAR_COLOR, "width": 2, "tooltip": True},
            "encoding": {
                "y": _y(f"bar.{field}", panel),
                "tooltip": [_opened(), _number(f"bar.{field}", chart.label, panel)],
            },
        }
    if charted(name, "candle"):
        yield _candles(name)
    lines = charted(name, "line")
    labels = {f"bar.{field}": chart.label for field, chart in lines.items()}
    yield {
        "transform": [
            {"fold": list(labels), "as": ["field", "value"]},
            # What no document has is no line, nor a name in the legend.
            {"joinaggregate": [{"op": "valid", "field": "value", "as": "known"}], "groupby": ["field"]},
            {"filter": "datum.known > 0"},
            {"calculate": f"{json.dumps(labels)}[datum.field]", "as": "series"},
        ],
        "encoding": {"y": _y("value", panel)},
        "layer": [
            {
                "name": "lines",
                "mark": {"type": "line", "strokeWidth": 1.6},
                "encoding": {
                    "color": _color(lines),
                    "strokeDash": {**_series(lines), "scale": {"range": _DASHES}},
                },
            },
            {
                "name": "points",
                "transform": [{"filter": "isValid(datum.value)"}],
                "mark": {"type": "point", "opacity": 0, "size": 40, "tooltip": True},
                "encoding": {
                    "tooltip": [
                        _opened(),
                        {"field": "series", "type": "nominal", "title": "what"},
                        _number("value", "at", panel),
                    ]
                },
            },
        ],
    }


def _y(field: str, panel: dict[str, Any]) -> Spec:
    return {
        "field": field,
        "type": "quantitative",
        "title": panel["axis"],
        "scale": panel["scale"],
        "axis": {**panel["axis_values"], "minExtent": 44},
    }


def _color(lines: dict[str, Chart]) -> Spec:
    return {**_series(lines), "scale": {"range": list(COLORS)}}


def _series(lines: dict[str, Chart]) -> Spec:
    legend = {"orient": "top", "offset": 22, "symbolType": "stroke"} if len(lines) > 1 else None
    return {"field": "series", "type": "nominal", "title": None, "sort": None, "legend": legend}


def _opened() -> Spec:
    return {"field": "opened", "type": "temporal", "title": "opened", "format": "%Y-%m-%d %H:%M"}


def _number(field: str, title: str, panel: dict[str, Any]) -> Spec:
    return {"field": field, "type": "quantitative", "title": title, "format": panel["format"]}
