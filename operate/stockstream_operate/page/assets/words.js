// Numbers and times in words. All times are UTC, as in the lake.

const SMALL = 1, LARGE = 1e5, TINY = 1e-4;

/** A price or an amount: as many digits as say something. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  const digits = size >= LARGE ? 0 : size >= SMALL ? 2 : size >= TINY || size === 0 ? 5 : 8;
  return value.toLocaleString("en", { minimumFractionDigits: Math.min(digits, 2), maximumFractionDigits: size >= SMALL && size < 100 ? 4 : digits });
}

/** A price at an axis, which has no room for digits that say nothing. */
export const axisNumber = (value) => value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) >= SMALL ? 2 : 6 });

/** What lies between 0 and 100. */
export const gauge = (value) => (value === null || value === undefined ? "–" : value.toFixed(1));

/** An amount that may be large. */
export function amount(value) {
  if (value === null || value === undefined) return "–";
  return value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 4 : 0 });
}

/** A share as per cent, with its sign. */
export function percent(value) {
  if (value === null || value === undefined) return "–";
  const digits = Math.abs(value * 100).toFixed(2);
  const sign = Number(digits) === 0 ? "" : value > 0 ? "+" : "−";
  return `${sign}${digits} %`;
}

const iso = (seconds) => new Date(seconds * 1000).toISOString();

/** When a bar begins: a day for a bar of a day. */
export function when(seconds, barSeconds) {
  const text = iso(seconds);
  return barSeconds >= 86400 ? text.slice(0, 10) : `${text.slice(0, 10)} ${text.slice(11, 16)}`;
}

/** A moment to the second. */
export const moment = (seconds) => iso(seconds).slice(0, 19).replace("T", " ");

/** A moment as an input of the type datetime-local takes it. */
export const forInput = (seconds) => iso(seconds).slice(0, 23);

/** Seconds since 1970 of such an input; null where it is empty. */
export const fromInput = (text) => (text ? Date.parse(`${text}Z`) / 1000 : null);

/** A label of the time axis, as short as the length of what is shown allows. */
export function tick(seconds, shownSeconds, barSeconds) {
  const date = new Date(seconds * 1000);
  const month = date.toLocaleString("en", { month: "short", timeZone: "UTC" });
  const day = `${date.getUTCDate()} ${month}`;
  if (barSeconds >= 86400) return `${day} ${date.getUTCFullYear()}`;
  const clock = iso(seconds).slice(11, 16);
  return shownSeconds > 26 * 3600 ? `${day} ${clock}` : clock;
}

/** How long ago, in its largest unit. */
export function age(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  for (const [size, unit] of [[86400, "day"], [3600, "hour"], [60, "minute"]]) {
    if (whole >= size) {
      const count = Math.floor(whole / size);
      return `${count} ${unit}${count === 1 ? "" : "s"}`;
    }
  }
  return `${whole} s`;
}

/** A short duration. */
export const seconds = (value) => (value < 60 ? `${value.toFixed(1)} s` : age(value));

/** The length of a bar as the lake writes it, `5min`, in words. */
export const interval = (text) => (text === "60min" ? "1 hour" : `${Number.parseInt(text, 10)} min`);
