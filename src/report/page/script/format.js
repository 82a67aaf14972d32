// Figures and dates as text, in the forms that reports use.

const plainNumber = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const shortNumber = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });
const NANO = 1e9;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Nanodollars as `$1,234.50`, rounded half up. */
function money(nano) {
  const cents = Math.floor(Math.abs(nano) / 1e7 + 0.5);
  const sign = nano < 0 && cents > 0 ? "−" : "";
  return `${sign}$${plainNumber.format(Math.floor(cents / 100))}.${String(cents % 100).padStart(2, "0")}`;
}

/** A cost, as a lower bound where the price of a part is not known. */
function price(sum) {
  return (sum.unknown > 0 ? "≥ " : "") + money(sum.cost);
}

/** The values of an axis as `$2.5K`: all with as many digits as their step needs, and zero without. */
function shortMoney(all) {
  const step = all.length > 1 ? Math.abs(all[1] - all[0]) / NANO : 1;
  const digits = step >= 1 && Number.isInteger(step) ? 0 : Math.max(2, Math.ceil(-Math.log10(step)));
  const one = (dollars) => {
    if (dollars === 0) return "$0";
    return dollars >= 1000 ? `$${shortNumber.format(dollars)}` : `$${dollars.toFixed(digits)}`;
  };
  return all.map((nano) => one(nano / NANO));
}

function whole(number) {
  return plainNumber.format(number);
}

function counted(number, one) {
  return `${whole(number)} ${one}${number === 1 ? "" : "s"}`;
}

/** A share of 0 to 1; null where there is nothing to take a share of. */
function percent(share) {
  return share === null || !Number.isFinite(share) ? "–" : `${(share * 100).toFixed(1)}%`;
}

function shortNumbers(all) {
  return all.map((number) => shortNumber.format(number));
}

/** The measures of the page: how each is taken from a sum, its text in full, and the texts of an axis. */
const METRICS = {
  cost: { name: "Cost", of: (sum) => sum.cost, text: price, exact: money, axis: shortMoney },
  tokens: { name: "Tokens", of: (sum) => sum.tokens, text: (sum) => whole(sum.tokens), exact: whole, axis: shortNumbers },
  requests: { name: "Requests", of: (sum) => sum.requests, text: (sum) => whole(sum.requests), exact: whole, axis: shortNumbers },
};

/** A day as the number of days since 1970-01-01. */
function dayNumber(text) {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return Number.isFinite(time) ? Math.round(time / 86400000) : null;
}

function dayText(day) {
  return new Date(day * 86400000).toISOString().slice(0, 10);
}

/** The day of the week, from 0 for Monday. 1970 began on a Thursday. */
function weekday(day) {
  return (((day + 3) % 7) + 7) % 7;
}

/** A day's year, month (0 to 11), and day of the month. */
function dayParts(day) {
  const date = new Date(day * 86400000);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth(), date: date.getUTCDate() };
}

/** `Thu, 5 Mar 2026`. */
function longDay(day) {
  const { year, month, date } = dayParts(day);
  return `${WEEKDAYS[weekday(day)]}, ${date} ${MONTHS[month]} ${year}`;
}

/** A period in words: a month by its name where it is one, else its days. */
function periodText(from, to) {
  if (from === to) return longDay(from);
  const first = dayParts(from);
  const last = dayParts(to);
  const end = dayParts(to + 1);
  if (first.date === 1 && end.date === 1 && first.year === last.year && first.month === last.month) return `${MONTHS[first.month]} ${first.year}`;
  const day = (parts) => `${parts.date} ${MONTHS[parts.month]} ${parts.year}`;
  return `${day(first)} to ${day(last)}`;
}

/** Minutes since 1970 as `2026-03-05 08:30`; of a negative number, only the day is known. */
function minuteText(minutes) {
  const text = new Date(Math.abs(minutes) * 60000).toISOString();
  return minutes < 0 ? text.slice(0, 10) : text.slice(0, 16).replace("T", " ");
}
