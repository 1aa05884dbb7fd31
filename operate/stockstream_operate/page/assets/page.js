// The page: asks for what its controls say, draws it, and asks again when the server has news.
import { Picker } from "/picker.js";
import * as words from "/words.js";

const RETRY_MILLISECONDS = 2000;
const SIGNS = { works: "●", waits: "○", "in alarm": "⚠", stopped: "■", "not known": "?" };
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
const request = readHash(); // what is asked for; empty for what the server chooses
let answer = null; // what the server said last
let shown = null; // the groups of fields that are switched on; null until the fields are known
let drawn = ""; // which bars are in the chart, of which version of the lake
let subject = ""; // what they are bars of
let known = ""; // what the answer was asked with; the server leaves out what has not changed since
let asking = false;
let askAgain = false;
let heard = 0; // the number of the newest news; an answer says which it was made after

const firstAnswer = send();
const { Chart, coloursOf } = await import("/chart.js");
const chart = new Chart(find("chart"), readOut);
const picker = new Picker(find("instrument"), find("instruments"), ({ label }) => change(pickInstrument(label)));

for (const radio of document.querySelectorAll("[name=span]")) {
  radio.addEventListener("change", () => change({ span: radio.value }));
}
// What was known at a moment knew of no later split: one of the two is chosen.
for (const radio of document.querySelectorAll("[name=prices]")) {
  radio.addEventListener("change", () => change(radio.value ? { adjusted: 1, known_at: null } : { adjusted: null }));
}
find("controls").addEventListener("submit", (event) => event.preventDefault());
find("known-at").addEventListener("change", (event) => knowAt(words.fromInput(event.target.value)));
find("newest").addEventListener("click", () => change({ known_at: null }));
find("before").addEventListener("click", (event) => knowAt(Number(event.target.dataset.moment)));
setInterval(() => answer && showHealth(), 1000);
listen();
ask(firstAnswer);

/** What the address asks for after its #: a page that is loaded again shows the same. */
function readHash() {
  const { known_at, ...rest } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  return { ...rest, ...(known_at ? { known_at: Number(known_at) } : {}) };
}

function knowAt(moment) {
  change(moment === null ? { known_at: null } : { known_at: moment, adjusted: null });
}

function change(wanted) {
  Object.assign(request, answer?.request, wanted);
  const kept = Object.entries(request).filter(([, value]) => value !== null);
  // Without the key, which the cookie now holds.
  history.replaceState(null, "", `/#${new URLSearchParams(kept)}`);
  ask();
}

function listen() {
  history.replaceState(null, "", `/${location.hash}`);
  const news = new EventSource("/news");
  let wasLost = false;
  news.onmessage = ({ data }) => {
    // The server says the same again from time to time, so that a lost connection is noticed.
    heard = Number(data);
    if (wasLost || isBehind()) ask();
    wasLost = false;
  };
  news.onerror = () => {
    wasLost = true;
    heard = 0; // if it starts again, it counts its news anew
    sayLost("What serves this page has ended (`make run` or `stockstream page`), or this machine slept. If it runs again in a terminal, open the address that it prints there; until then you see what was known last.");
    if (news.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MILLISECONDS);
  };
  news.onopen = () => sayLost("");
}

function isBehind() {
  return answer !== null && answer.news < heard;
}

function sayLost(text) {
  putWords(find("lost").querySelector("p"), text);
  find("lost").hidden = text === "";
}

function send() {
  const { known_at, adjusted, ...rest } = request;
  const asked = new URLSearchParams(request.instrument ? rest : {});
  if (known_at && request.instrument) asked.set("known_at", new Date(known_at * 1000).toISOString());
  if (adjusted && request.instrument) asked.set("adjusted", adjusted);
  const wanted = String(asked);
  if (answer?.bars && wanted === known) asked.set("known", answer.version);
  const answering = fetch(`/view?${asked}`).then((response) => ({ response, wanted }));
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
  const { response, wanted } = (await (answering ?? send()).catch(() => null)) ?? {};
  const text = await response?.text().catch(() => null);
  asking = false;
  if (response?.status === 403) sayLost(text);
  else if (response?.status === 400) forgetRequest();
  else if (text) {
    known = wanted;
    show({ ...answer, ...JSON.parse(text), heardAt: Date.now() });
    // While the answer was on its way, there may have been news.
    askAgain ||= isBehind();
  }
  if (askAgain) {
    askAgain = false;
    ask();
  }
}

/** An address that somebody has edited may ask for what makes no sense. */
function forgetRequest() {
  for (const name of Object.keys(request)) delete request[name];
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
  showStages(told.stages);
  showAlarms(told);
}

/** An instrument's bars: of the same length, where there are some. */
function pickInstrument(instrument) {
  const intervals = answer.instruments.filter((each) => each.instrument === instrument).map((each) => each.interval);
  const interval = intervals.includes(answer.request?.interval) ? answer.request.interval : intervals[0];
  return { instrument, interval };
}

function showCondition({ kind, title, words: text }) {
  const box = find("condition");
  box.hidden = kind === "flowing";
  box.dataset.kind = kind;
  put(box.querySelector("h2"), title);
  putWords(box.querySelector("p"), text);
}

function showControls({ instruments, request: seen }) {
  const names = [...new Set(instruments.map(({ instrument }) => instrument))];
  picker.set(names.map((label) => ({ label })), seen?.instrument ?? "");
  showIntervals(instruments, seen);
  if (seen) document.querySelector(`[name=span][value=${seen.span}]`).checked = true;
  // Where no split is known, both are the same.
  find("prices").hidden = !seen?.adjusted && !splitsOf(instruments, seen).length;
  document.querySelector(`[name=prices][value="${seen?.adjusted ?? ""}"]`).checked = true;
  const input = find("known-at");
  const isSet = Boolean(seen?.known_at);
  if (document.activeElement !== input) input.value = isSet ? words.forInput(seen.known_at) : "";
  input.classList.toggle("set", isSet);
  find("newest").disabled = !isSet;
}

/** The lengths of an instrument's bars, where the lake holds more than one. */
function showIntervals(instruments, seen) {
  const box = find("intervals");
  const intervals = instruments.filter(({ instrument }) => instrument === seen?.instrument).map(({ interval }) => interval);
  box.hidden = intervals.length < 2;
  if (box.dataset.of !== String(intervals)) {
    box.dataset.of = intervals;
    for (const label of box.querySelectorAll("label")) label.remove();
    for (const interval of intervals) {
      const label = document.createElement("label");
      const radio = Object.assign(document.createElement("input"), { type: "radio", name: "interval", value: interval });
      radio.addEventListener("change", () => change({ interval }));
      label.append(radio, Object.assign(document.createElement("span"), { textContent: words.interval(interval) }));
      box.append(label);
    }
  }
  for (const radio of box.querySelectorAll("input")) radio.checked = radio.value === seen?.interval;
}

/** The splits that are known of an instrument, oldest first. */
function splitsOf(instruments, seen) {
  return instruments.find(({ instrument }) => instrument === seen?.instrument)?.splits ?? [];
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

function showBars({ version, request: seen, bars, fields }) {
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
  find("chart").ariaLabel = `Candles of ${seen.instrument}${seen.adjusted ? " in today's shares" : ""}, ${bars.start.length} bars of ${bars.length}`;
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
  const splits = splitsOf(answer.instruments, seen).map(({ day, ratio }) => `${ratio} on ${day}`).join(", ");
  const kind = seen.adjusted
    ? `Prices, averages and volumes are in today's shares (${splits ? `split ${splits}` : "no split is known"}). `
    : splits ? `Prices are as they were traded (split ${splits}). ` : "";
  const again = bars.asked_again ? `. Athena is asked for all of them again at ${words.moment(bars.asked_again)}` : "";
  put(find("length"), `${count}${made}${known}${again}. ${kind}Times are UTC. ◆ marks a bar that the provider has revised.`);
}

/** All numbers of a bar that are drawn, in words. */
function numbersOf(index) {
  const { bars } = chart;
  return [
    ["Open", words.number(bars.open[index])],
    ["High", words.number(bars.high[index])],
    ["Low", words.number(bars.low[index])],
    ["Close", words.number(bars.close[index])],
    ["Volume", words.amount(bars.volume[index])],
    ...Object.keys(WORDS)
      .flatMap((place) => answer.fields.filter((field) => field.place === place))
      .filter((field) => field.place !== "over" || shown.has(field.group))
      .map((field) => [nameOf(field), WORDS[field.place](bars[field.name][index]), field.place === "over" ? coloursOf(answer.fields).get(field.group) : ""]),
  ];
}

function sayBar(index) {
  const { bars } = chart;
  const numbers = numbersOf(index).map(([name, text]) => `${name} ${text === "–" ? "none" : text}`);
  const revised = bars.revised[index] ? ", revised" : "";
  return `bar of ${words.when(bars.start[index], bars.seconds)} UTC: ${numbers.join(", ")}${revised}`;
}

/** Shows the numbers of the bar under the cursor, or of the newest. */
function readOut(index, byKey) {
  const { bars } = chart;
  const numbers = index < 0 ? [] : numbersOf(index);
  const items = index < 0 ? [] : [["Bar", words.when(bars.start[index], bars.seconds)], ...numbers];
  find("readout").replaceChildren(...items.map(([term, text]) => pair(term, text)));
  showTip(index, numbers);
  showPrice();
  const count = index < 0 ? 0 : bars.revised[index];
  const button = find("before");
  button.hidden = !count;
  if (count) button.dataset.moment = bars.known_from[index] - 0.001;
  put(find("revision").querySelector("span"), sayRevision(count, index));
  if (byKey) put(find("told"), sayBar(index));
}

/** A box beside the bar under the cursor, on the side where there is more room. */
function showTip(index, numbers) {
  const tip = find("tip");
  tip.hidden = chart.cursor === null || index < 0;
  if (tip.hidden) return;
  put(tip.querySelector("strong"), `${words.when(chart.bars.start[index], chart.bars.seconds)} UTC`);
  const rows = numbers.map(([term, text, colour]) => {
    const row = pair(term, text);
    if (colour) row.firstChild.prepend(Object.assign(document.createElement("i"), { className: colour }));
    return row;
  });
  tip.querySelector("dl").replaceChildren(...rows);
  const [at, width] = [chart.placeOf(index), find("chart").clientWidth];
  tip.style.left = at < width / 2 ? `${at + 16}px` : "auto";
  tip.style.right = at < width / 2 ? "auto" : `${width - at + 16}px`;
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
  const { instruments, request: seen, progress, joining, delays, listed_days, receipt, now, market, quota } = answer;
  const clock = now + (Date.now() - answer.heardAt) / 1000;
  const its = instruments.find(({ instrument, interval }) => instrument === seen?.instrument && interval === seen?.interval);
  const facts = [];
  if (market) facts.push(["Market", market]);
  if (quota) facts.push(["Requests left today", quota]);
  if (its) {
    facts.push(["Newest bar (UTC)", words.moment(its.newest).slice(0, 16)]);
    facts.push(["Ended", `${words.age(clock - its.ends)} ago`]);
  }
  for (const { stage, p50, p99 } of delays) facts.push([`Delay ${stage}`, `${words.seconds(p50)}, p99 ${words.seconds(p99)}`]);
  const delivered = instruments.reduce((total, each) => total + each.delivered, 0).toLocaleString("en");
  facts.push([listed_days ? `Bars delivered in ${listed_days} days` : "Bars delivered", delivered]);
  facts.push(["Instruments", new Set(instruments.map(({ instrument }) => instrument)).size.toLocaleString("en")]);
  if (progress.read < progress.known) facts.push(["Reading older files", `${progress.read.toLocaleString("en")} of ${progress.known.toLocaleString("en")}`]);
  if (joining.joined < joining.days) facts.push(["Joining older days", `${joining.joined.toLocaleString("en")} of ${joining.days.toLocaleString("en")}`]);
  if (receipt) facts.push(["Athena", receipt]);
  fill(find("health"), facts, () => facts.map(([term, value]) => pair(term, value)));
}

function paragraph(text, className = "") {
  return Object.assign(document.createElement("p"), { textContent: text, className });
}

/** Fills an element only where it would change, so that nothing flickers and no selection is lost. */
function fill(element, told, make) {
  const text = JSON.stringify(told);
  if (element.dataset.text === text) return;
  element.dataset.text = text;
  element.replaceChildren(...make());
}

function showStages(stages) {
  fill(find("stages"), stages, () =>
    stages.map(({ name, says, state, why }) => {
      const row = document.createElement("li");
      const head = document.createElement("div");
      head.append(
        Object.assign(document.createElement("strong"), { textContent: name }),
        Object.assign(document.createElement("span"), { textContent: `${SIGNS[state]} ${state}` }),
      );
      row.dataset.state = state;
      row.append(head, ...[says.join(" · "), why].filter(Boolean).map((text) => paragraph(text)));
      return row;
    }),
  );
}

function showAlarms({ alarms, notices, report_troubles: troubles, condition }) {
  const unknown = condition.kind === "stopped" || condition.kind === "never-run" ? "Known while the pipeline runs." : "Not known yet.";
  fill(find("alarms"), [alarms, unknown], () => {
    if (!alarms) return [paragraph(unknown)];
    if (!alarms.in_alarm.length) return [paragraph(`✓ None of ${alarms.watched} is in alarm.`)];
    return alarms.in_alarm.flatMap(({ name, since, words: text }) => [
      paragraph(`⚠ ${name}, since ${words.moment(since).slice(0, 16)} UTC`, "alarming"),
      paragraph(text),
    ]);
  });
  fill(find("notices"), [notices, unknown], () => {
    if (!notices) return [paragraph(unknown)];
    if (!notices.length) return [paragraph("None.")];
    return notices.flatMap(({ name, at, is_alarming: isAlarming, words: text }) => [
      paragraph(`${at} ${isAlarming ? "⚠" : "✓"} ${name}${isAlarming ? "" : " is over"}`, isAlarming ? "alarming" : ""),
      ...(isAlarming ? [paragraph(text)] : []),
    ]);
  });
  put(find("troubles"), troubles.join(" "));
}
