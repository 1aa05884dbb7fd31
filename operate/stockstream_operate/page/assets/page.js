// The page: asks for what its controls say, draws it, and asks again when the server has news.
import { Picker } from "/picker.js";
import * as words from "/words.js";

const RETRY_MILLISECONDS = 2000;
const WORDS = { over: words.number, rsi: words.gauge, returns: words.percent };
const find = (id) => document.getElementById(id);
const put = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

// What stands between backticks is typed or read in a terminal.
const putWords = (element, text) => {
  if (element.textContent === text.replaceAll("`", "")) return;
  const code = (part) => Object.assign(document.createElement("code"), { textContent: part });
  element.replaceChildren(...text.split("`").map((part, place) => (place % 2 ? code(part) : part)));
};

// Before the chart library is there, which is large: it and the lake's answer come at the same time.
const sight = readHash(); // what is asked for; empty for what the server chooses
let answer = null; // what the server said last
let shown = null; // the groups of fields that are switched on; null until the fields are known
let drawn = ""; // which bars are in the chart, of which version of the lake
let subject = ""; // what they are bars of
let asking = false;
let askAgain = false;

const firstAnswer = request();
const { Chart, coloursOf } = await import("/chart.js");
const chart = new Chart(find("chart"), readOut);
const picker = new Picker(find("instrument"), find("instruments"), ({ instrument, interval }) => change({ instrument, interval }));

for (const radio of document.querySelectorAll("[name=span]")) {
  radio.addEventListener("change", () => change({ span: radio.value }));
}
find("controls").addEventListener("submit", (event) => event.preventDefault());
find("known-at").addEventListener("change", (event) => change({ known_at: words.fromInput(event.target.value) }));
find("newest").addEventListener("click", () => change({ known_at: null }));
find("before").addEventListener("click", (event) => change({ known_at: Number(event.target.dataset.moment) }));
setInterval(() => answer && showHealth(), 1000);
listen();
ask(firstAnswer);

/** What the address asks for after its #: a page that is loaded again shows the same. */
function readHash() {
  const { known_at, ...rest } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  return { ...rest, ...(known_at ? { known_at: Number(known_at) } : {}) };
}

function change(wanted) {
  Object.assign(sight, answer?.sight, wanted);
  const kept = Object.entries(sight).filter(([, value]) => value !== null);
  // Without the key, which the cookie now holds.
  history.replaceState(null, "", `/#${new URLSearchParams(kept)}`);
  ask();
}

function listen() {
  history.replaceState(null, "", `/${location.hash}`);
  const news = new EventSource("/news");
  let heard = null;
  news.onmessage = ({ data }) => {
    // The server also says the same again, to be heard. What it says first, the first answer has told already.
    if (data !== heard && !(heard === null && answer === null)) ask();
    heard = data;
  };
  news.onerror = () => {
    heard = null;
    sayLost("What serves this page has ended (`make run` or `stockstream page`), or this machine slept. If it runs again in a terminal, open the address that it prints there; until then you see what was known last.");
    if (news.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MILLISECONDS);
  };
  news.onopen = () => sayLost("");
}

function sayLost(text) {
  putWords(find("lost").querySelector("p"), text);
  find("lost").hidden = text === "";
}

function request() {
  const { known_at, ...rest } = sight;
  const asked = new URLSearchParams(sight.instrument ? rest : {});
  if (known_at && sight.instrument) asked.set("known_at", new Date(known_at * 1000).toISOString());
  const answering = fetch(`/view?${asked}`);
  answering.catch(() => {}); // who awaits it hears of it
  return answering;
}

async function ask(answering) {
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  // The news say that the connection is lost, and when it is back.
  const response = await (answering ?? request()).catch(() => null);
  const text = await response?.text().catch(() => null);
  asking = false;
  if (response?.status === 403) sayLost(text);
  else if (response?.status === 400) forgetSight();
  else if (text) show(JSON.parse(text));
  if (askAgain) {
    askAgain = false;
    ask();
  }
}

/** An address that somebody has edited may ask for what makes no sense. */
function forgetSight() {
  for (const name of Object.keys(sight)) delete sight[name];
  askAgain = true;
}

function show(told) {
  answer = told;
  shown ??= new Set(told.fields.filter((field) => field.is_shown).map((field) => field.group));
  put(find("where"), `· ${told.where}`);
  put(find("kind").querySelector("strong"), told.price_kind.word);
  put(find("kind").querySelector("span"), told.price_kind.words);
  showCondition(told.condition);
  showControls(told);
  showFields(told.fields);
  showBars(told);
  showHealth();
}

function showCondition({ kind, title, words: text }) {
  const box = find("condition");
  box.hidden = kind === "flowing";
  box.dataset.kind = kind;
  put(box.querySelector("h2"), title);
  putWords(box.querySelector("p"), text);
}

function showControls({ instruments, sight: seen }) {
  const counts = Map.groupBy(instruments, ({ instrument }) => instrument);
  const label = ({ instrument, interval }) => (counts.get(instrument)?.length > 1 ? `${instrument} · ${interval}` : instrument);
  picker.set(instruments.map((each) => ({ ...each, label: label(each) })), seen ? label(seen) : "");
  if (seen) document.querySelector(`[name=span][value=${seen.span}]`).checked = true;
  const input = find("known-at");
  const isSet = Boolean(seen?.known_at);
  if (document.activeElement !== input) input.value = isSet ? words.forInput(seen.known_at) : "";
  input.classList.toggle("set", isSet);
  find("newest").disabled = !isSet;
}

function showFields(fields) {
  const box = find("fields");
  if (box.querySelector("input")) return;
  for (const [group, colour] of coloursOf(fields)) {
    const members = fields.filter((field) => field.group === group);
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "checkbox", checked: shown.has(group), value: group });
    const line = document.createElement("i");
    line.className = colour;
    label.title = members.map((field) => field.words).join("; ");
    label.append(input, line, members[0].label);
    box.append(label);
    input.addEventListener("change", () => {
      if (input.checked) shown.add(group);
      else shown.delete(group);
      chart.draw(answer.bars, answer.fields, shown, false);
    });
  }
}

function showBars({ version, sight: seen, bars, fields }) {
  if (!bars) return;
  const name = JSON.stringify([version, seen]);
  if (name === drawn) return;
  const before = chart.bars;
  // The same bars as they were known at another time stay where they are.
  const other = JSON.stringify([seen.instrument, seen.interval, seen.span]);
  const isOther = other !== subject;
  [drawn, subject] = [name, other];
  chart.draw(bars, fields, shown, isOther);
  showLength(bars, seen);
  const last = bars.start.length - 1;
  find("chart").ariaLabel = `Candles of ${seen.instrument}, ${bars.start.length} bars of ${bars.length}`;
  if (last < 0) return put(find("told"), `Nothing of ${seen.instrument} was known then.`);
  const isNew = isOther || bars.start[last] !== before?.start.at(-1) || bars.close[last] !== before?.close.at(-1);
  if (isNew) put(find("told"), `${seen.instrument}, ${sayBar(last)}`);
}

function showLength(bars, seen) {
  const count = `${bars.start.length.toLocaleString("en")} bars of ${bars.length}`;
  const made = bars.is_longer
    ? `, made of bars of ${seen.interval}; averages and RSI are those at the end of each, returns are from one to the next`
    : "";
  const known = seen.known_at ? `, as they were known at ${words.moment(seen.known_at)} UTC` : "";
  put(find("length"), `${count}${made}${known}. Times are UTC. ◆ marks a bar that the provider has revised.`);
}

function sayBar(index) {
  const { bars } = answer;
  const revised = bars.revised[index] ? ", revised" : "";
  return `bar of ${words.when(bars.start[index], bars.seconds)} UTC: open ${words.number(bars.open[index])}, high ${words.number(bars.high[index])}, low ${words.number(bars.low[index])}, close ${words.number(bars.close[index])}, volume ${words.amount(bars.volume[index])}${revised}`;
}

/** Shows the numbers of the bar under the cursor, or of the newest. */
function readOut(index, byKey) {
  const { bars } = chart;
  const items = index < 0 ? [] : [
    ["Bar", words.when(bars.start[index], bars.seconds)],
    ["O", words.number(bars.open[index])],
    ["H", words.number(bars.high[index])],
    ["L", words.number(bars.low[index])],
    ["C", words.number(bars.close[index])],
    ["Volume", words.amount(bars.volume[index])],
    ...answer.fields
      .filter((field) => field.place !== "over" || shown.has(field.group))
      .map((field) => [nameOf(field), WORDS[field.place](bars[field.name][index])]),
  ];
  find("readout").replaceChildren(...items.map(([term, text]) => pair(term, text)));
  showPrice();
  const count = index < 0 ? 0 : bars.revised[index];
  const button = find("before");
  button.hidden = !count;
  if (count) button.dataset.moment = bars.known_from[index] - 0.001;
  put(find("revision").querySelector("span"), sayRevision(count, index));
  if (byKey) put(find("told"), sayBar(index));
}

function sayRevision(count, index) {
  if (!count) return "";
  const { bars } = chart;
  const whose = bars.bars[index] > 1 ? `${count} of its ${bars.bars[index]} bars ${count === 1 ? "was" : "were"} revised` : "◆ Revised";
  return `${whose}; these numbers are known since ${words.moment(bars.known_from[index])} UTC.`;
}

/** The two edges of a band bear one label. */
function nameOf(field) {
  const isBand = answer.fields.filter((each) => each.group === field.group).length > 1;
  return isBand ? `${field.label} ${field.name.split("_")[1]}` : field.label;
}

function pair(term, text) {
  const box = document.createElement("div");
  const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
  dt.textContent = term;
  dd.textContent = text;
  box.append(dt, dd);
  return box;
}

function showPrice() {
  const { bars } = chart;
  const last = bars.start.length - 1;
  const change = last < 0 ? null : bars.close[last] / bars.open[0] - 1;
  put(find("price").querySelector("strong"), last < 0 ? "" : words.number(bars.close[last]));
  const line = find("price").querySelector("span");
  const text = words.percent(change);
  const way = { "+": ["rises", "▲ "], "−": ["falls", "▼ "] }[text[0]] ?? ["", ""];
  line.className = change === null ? "" : way[0];
  put(line, change === null ? "Nothing was known of it then" : `${way[1]}${text} over what is shown`);
}

function showHealth() {
  const { instruments, sight: seen, progress, receipt, now } = answer;
  answer.heardAt ??= Date.now();
  const clock = now + (Date.now() - answer.heardAt) / 1000;
  const its = instruments.find(({ instrument, interval }) => instrument === seen?.instrument && interval === seen?.interval);
  const sum = (name) => instruments.reduce((total, each) => total + each[name], 0);
  const facts = [];
  if (its) {
    facts.push(["Newest bar", `${words.moment(its.newest).slice(0, 16)} UTC`]);
    facts.push(["Ended", `${words.age(clock - its.ends)} ago`]);
    if (its.lag !== null) facts.push(["It arrived", `${its.lag < 60 ? `${its.lag.toFixed(1)} s` : words.age(its.lag)} after its end`]);
  }
  facts.push(["Bars in the lake", sum("bars").toLocaleString("en")]);
  facts.push(["Deliveries of them", sum("delivered").toLocaleString("en")]);
  facts.push(["Revised bars", sum("revised").toLocaleString("en")]);
  facts.push(["Instruments", new Set(instruments.map(({ instrument }) => instrument)).size.toLocaleString("en")]);
  if (progress.read < progress.known) facts.push(["Reading older files", `${progress.read.toLocaleString("en")} of ${progress.known.toLocaleString("en")}`]);
  if (receipt) facts.push(["Athena", receipt]);
  const box = find("health");
  const text = JSON.stringify(facts);
  if (box.dataset.text === text) return;
  box.dataset.text = text;
  box.replaceChildren(...facts.map(([term, value]) => pair(term, value)));
}
