// The candles and what is drawn over and below them, with Apache ECharts.
import { echarts } from "/charts/index.js";
import * as words from "/words.js";

// The policy of this page lets no text become HTML. ECharts empties its element in that way, which is all that it may.
globalThis.trustedTypes?.createPolicy("default", { createHTML: (text) => (text === "" ? "" : null) });

const COLOURS = 8;
const LEAST_SHOWN = 10;
// How far labels of the time axis are apart: each a round time, with room for its words.
const LABEL_SECONDS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
const LABEL_WIDTH = 60;
const RIGHT = 66;
// Which share of the height each panel takes; those that a market has nothing for are left out.
const PANELS = [
  { name: "price", share: 56 },
  { name: "volume", share: 13 },
  { name: "rsi", share: 15 },
  { name: "returns", share: 16 },
];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Which of the colours each group of fields over the candles has: the same in the chart and in its legend. */
export function coloursOf(fields) {
  const groups = [...new Set(fields.filter((field) => field.place === "over").map((field) => field.group))];
  return new Map(groups.map((group, place) => [group, `drawn-${(place % COLOURS) + 1}`]));
}

export class Chart {
  /**
   * @param {HTMLElement} element where it is drawn
   * @param {(index: number, byKey: boolean) => void} onCursor is told at which bar the cursor is
   */
  constructor(element, onCursor) {
    this.element = element;
    this.onCursor = onCursor;
    this.drawing = echarts.init(element, null, { renderer: "canvas" });
    this.bars = null;
    this.window = null; // the times that are shown; null for all
    this.cursor = null; // the time of the bar under the cursor; null for the newest
    this.drawing.on("datazoom", () => {
      this.rememberWindow();
      this.drawing.setOption({ xAxis: this.timeAxes(this.panels()) });
    });
    this.drawing.on("updateAxisPointer", (event) => {
      const index = event.axesInfo?.[0]?.value;
      if (this.bars && Number.isInteger(index) && index in this.bars.start) this.pointTo(index, false);
    });
    this.drawing.on("globalout", () => {
      // A revised bar has a button, to which the mouse is on its way.
      if (this.bars && !this.bars.revised[this.cursorIndex()]) this.pointTo(null, false);
    });
    element.addEventListener("keydown", (event) => this.useKey(event));
    new ResizeObserver(() => {
      this.drawing.resize();
      this.redraw();
    }).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  /** Draws bars; what is zoomed to stays unless it is another request. */
  draw(bars, fields, shown, isOther) {
    if (isOther) this.window = this.cursor = null;
    Object.assign(this, { bars, fields, shown });
    this.redraw();
  }

  redraw() {
    if (!this.bars) return;
    const parts = ["grid", "xAxis", "yAxis", "series"];
    this.drawing.setOption(this.option(), { replaceMerge: parts, lazyUpdate: false });
    this.onCursor(this.cursorIndex(), false);
  }

  cursorIndex() {
    const { start } = this.bars;
    const found = this.cursor === null ? -1 : start.indexOf(this.cursor);
    return found === -1 ? start.length - 1 : found;
  }

  pointTo(index, byKey) {
    if (!this.bars) return;
    this.cursor = index === null ? null : this.bars.start[index];
    this.onCursor(this.cursorIndex(), byKey);
  }

  /** How far from the left a bar is drawn, in pixels. */
  placeOf(index) {
    return this.drawing.convertToPixel({ xAxisIndex: 0 }, index);
  }

  /** The first and the last bar that are shown. */
  shownBars() {
    const { start } = this.bars;
    const last = start.length - 1;
    if (!this.window || last < 0) return [0, last];
    const first = start.findIndex((time) => time >= this.window.from);
    const end = this.window.follows ? last : start.findLastIndex((time) => time <= this.window.to);
    return first === -1 || end < first ? [0, last] : [first, end];
  }

  rememberWindow() {
    const { start } = this.bars;
    const { startValue, endValue } = this.drawing.getOption().dataZoom[0];
    const isAll = startValue <= 0 && endValue >= start.length - 1;
    // Who looks at the newest bar goes on seeing the newest.
    this.window = isAll ? null : { from: start[startValue], to: start[endValue], follows: endValue === start.length - 1 };
  }

  show(first, last) {
    const end = this.bars.start.length - 1;
    const from = Math.max(0, Math.min(first, end));
    const to = Math.max(from, Math.min(last, end));
    this.drawing.dispatchAction({ type: "dataZoom", startValue: from, endValue: to });
  }

  useKey(event) {
    if (!this.bars?.start.length || event.ctrlKey || event.metaKey || event.altKey) return;
    const [first, last] = this.shownBars();
    const at = this.cursorIndex();
    const quarter = Math.max(1, Math.round((last - first) / 4));
    const move = (to) => {
      const index = Math.max(0, Math.min(to, this.bars.start.length - 1));
      if (index < first) this.show(index, index + last - first);
      if (index > last) this.show(index - last + first, index);
      this.drawing.dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: index });
      this.pointTo(index, true);
    };
    const actions = {
      ArrowLeft: () => move(at - 1),
      ArrowRight: () => move(at + 1),
      PageUp: () => move(at - quarter),
      PageDown: () => move(at + quarter),
      Home: () => move(0),
      End: () => move(this.bars.start.length - 1),
      "+": () => last - first > LEAST_SHOWN && this.show(first + quarter, last),
      "-": () => this.show(first - 2 * quarter, last),
      Escape: () => {
        this.show(0, this.bars.start.length - 1);
        this.pointTo(null, true);
      },
    };
    actions["="] = actions["+"];
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }

  option() {
    const { bars, fields, shown } = this;
    const panels = this.panels();
    const place = Object.fromEntries(panels.map(({ name }, index) => [name, index]));
    const [first, last] = this.shownBars();
    const all = panels.map((_, index) => index);
    const style = { text: colour("quiet"), line: colour("line"), edge: colour("edge"), ground: colour("ground") };
    const zoom = { xAxisIndex: all, startValue: Math.max(0, first), endValue: Math.max(0, last), minValueSpan: LEAST_SHOWN, filterMode: "filter" };
    return {
      animation: false,
      textStyle: { fontFamily: "system-ui, sans-serif" },
      grid: this.grids(panels),
      xAxis: this.timeAxes(panels),
      yAxis: panels.map(({ name }, index) => this.numberAxis(name, index, style)),
      axisPointer: { link: [{ xAxisIndex: "all" }], lineStyle: { color: style.edge }, label: { show: false } },
      tooltip: { trigger: "axis", showContent: false, axisPointer: { type: "line" } },
      dataZoom: [
        { type: "inside", ...zoom },
        {
          type: "slider",
          ...zoom,
          right: RIGHT,
          left: 8,
          bottom: 4,
          height: 26,
          showDetail: false,
          borderColor: style.line,
          fillerColor: "rgb(120 140 170 / 18%)",
          handleStyle: { color: style.ground, borderColor: style.edge },
          moveHandleStyle: { color: style.edge },
          dataBackground: { lineStyle: { color: style.edge }, areaStyle: { color: style.line } },
          selectedDataBackground: { lineStyle: { color: colour("accent") }, areaStyle: { color: style.line } },
        },
      ],
      series: [
        this.candles(),
        ...this.over(fields.filter((field) => field.place === "over" && shown.has(field.group))),
        this.revisions(),
        ...("volume" in place ? [this.columns("volume", bars.volume, place.volume)] : []),
        ...this.below("rsi", place.rsi),
        ...this.below("returns", place.returns),
      ],
    };
  }

  /** Those that the market has something for. */
  panels() {
    const { bars, fields } = this;
    const has = { price: true, volume: bars.volume.some((value) => value !== null) };
    for (const place of ["rsi", "returns"]) has[place] = fields.some((field) => field.place === place);
    return PANELS.filter(({ name }) => has[name]);
  }

  grids(panels) {
    const [above, below, gap] = [8, 58, 14];
    const room = this.element.clientHeight - above - below - gap * (panels.length - 1);
    const whole = panels.reduce((sum, { share }) => sum + share, 0);
    let top = above;
    return panels.map(({ share }) => {
      const grid = { left: 8, right: RIGHT, top, height: Math.round((room * share) / whole), outerBoundsMode: "none" };
      top += grid.height + gap;
      return grid;
    });
  }

  timeAxes(panels) {
    const { start, seconds } = this.bars;
    const [first, last] = this.shownBars();
    const shownSeconds = start.length ? start[last] - start[first] : 0;
    // Days are counted off evenly; shorter bars have labels at the full hours, or what is round between them.
    const room = Math.max(2, this.element.clientWidth / LABEL_WIDTH);
    const step = LABEL_SECONDS.find((each) => ((last - first) * seconds) / each <= room) ?? LABEL_SECONDS.at(-1);
    const isRound = (index) => start[index] % step === 0;
    const interval = seconds < 86400 && start.slice(first, last + 1).some((_, place) => isRound(first + place)) ? isRound : "auto";
    const [text, line] = [colour("quiet"), colour("line")];
    return panels.map((_, index) => {
      const isLowest = index === panels.length - 1;
      return {
        type: "category",
        gridIndex: index,
        data: start,
        boundaryGap: true,
        axisTick: { show: isLowest, interval },
        axisLine: { lineStyle: { color: line }, onZero: false },
        splitLine: { show: false },
        axisLabel: {
          show: isLowest,
          color: text,
          hideOverlap: true,
          interval,
          formatter: (value) => words.tick(Number(value), shownSeconds, seconds),
        },
      };
    });
  }

  numberAxis(name, index, style) {
    const formatter = { returns: words.percent, volume: (value) => Intl.NumberFormat("en", { notation: "compact" }).format(value), price: words.axisNumber }[name];
    // Where panels meet, the labels of both edges would stand on each other.
    const edges = name === "price" || name === "returns";
    const title = { rsi: this.fields.find((field) => field.place === "rsi")?.label, returns: "Return", volume: "Volume" }[name];
    return {
      gridIndex: index,
      position: "right",
      scale: name === "price",
      splitNumber: name === "price" ? 5 : 2,
      ...(name === "rsi" ? { min: 0, max: 100, interval: 50 } : {}),
      axisLabel: { color: style.text, formatter, showMinLabel: edges, showMaxLabel: edges, hideOverlap: true },
      axisLine: { show: false },
      axisTick: { show: false },
      splitLine: { lineStyle: { color: style.line } },
      name: title,
      nameLocation: "end",
      nameGap: -11,
      nameTextStyle: { color: style.text, align: "right", padding: [0, 4, 0, 0] },
    };
  }

  candles() {
    const { open, close, low, high } = this.bars;
    const [up, down] = [colour("up"), colour("down")];
    return {
      type: "candlestick",
      name: "price",
      large: false,
      // A candle that rises is hollow, so that colour is not all that tells.
      itemStyle: { color: colour("ground"), color0: down, borderColor: up, borderColor0: down },
      data: open.map((value, index) => [value, close[index], low[index], high[index]]),
    };
  }

  over(fields) {
    const colours = coloursOf(this.fields);
    const line = (field, more = {}) => ({
      type: "line",
      name: field.name,
      data: this.bars[field.name],
      symbol: "none",
      silent: true,
      lineStyle: { width: 1.4, color: colour(colours.get(field.group)) },
      ...more,
    });
    const groups = Map.groupBy(fields, (field) => field.group);
    return [...groups.values()].flatMap((edges) => {
      if (edges.length !== 2) return edges.map((field) => line(field));
      // The ground between two edges: the lower one, and on it what is missing to the upper.
      const [upper, lower] = edges;
      const between = this.bars[upper.name].map((value, index) => (value === null ? null : value - this.bars[lower.name][index]));
      const tint = { color: colour(colours.get(upper.group)), opacity: 0.1 };
      const stack = { stack: upper.group, stackStrategy: "all" };
      return [line(lower, stack), line(upper, { ...stack, data: between, areaStyle: tint })];
    });
  }

  revisions() {
    const { revised, high } = this.bars;
    const data = high.map((value, index) => [index, value]).filter(([index]) => revised[index]);
    return {
      type: "scatter",
      name: "revised",
      silent: true,
      symbol: "diamond",
      symbolSize: 8,
      symbolOffset: [0, -9],
      itemStyle: { color: colour("mark") },
      data,
    };
  }

  columns(name, data, place) {
    const { open, close } = this.bars;
    const [up, down] = [colour("up"), colour("down")];
    const rises = (index) => (name === "volume" ? close[index] >= open[index] : data[index] >= 0);
    return {
      type: "bar",
      name,
      xAxisIndex: place,
      yAxisIndex: place,
      silent: true,
      large: false,
      barCategoryGap: "30%",
      data: data.map((value, index) => ({ value, itemStyle: { color: rises(index) ? up : down, opacity: 0.8 } })),
    };
  }

  below(place, index) {
    return this.fields
      .filter((field) => field.place === place)
      .map((field) => {
        if (place === "returns") return this.columns(field.name, this.bars[field.name], index);
        return {
          type: "line",
          name: field.name,
          xAxisIndex: index,
          yAxisIndex: index,
          data: this.bars[field.name],
          symbol: "none",
          silent: true,
          lineStyle: { width: 1.4, color: colour("accent") },
          // Where it is usually called too low and too high.
          markLine: {
            silent: true,
            symbol: "none",
            label: { show: false },
            lineStyle: { color: colour("edge"), type: "dashed", width: 1 },
            data: [{ yAxis: 30 }, { yAxis: 70 }],
          },
        };
      });
  }
}
