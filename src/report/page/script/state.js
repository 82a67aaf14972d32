// What the reader chose. It stands in the address after `#`, so that a view can be kept and sent.

/** How many days a bar stands for, and up to how many days of a period bars are of this kind by themselves. */
const BUCKETS = [["hour", 1], ["day", 62], ["week", 420], ["month", Infinity]];

function freshState(data) {
  const on = {};
  for (const dimension of DIMENSIONS) on[dimension] = data.names[dimension].map(() => true);
  return { from: data.start, to: data.end, bucket: null, by: "model", metric: "cost", on, words: "" };
}

/** The kind of bars: the chosen one where the period has room for it. */
function bucketOf(state) {
  const days = state.to - state.from + 1;
  const fits = { hour: days <= 3, day: days <= 1200, week: days > 1, month: days > 1 };
  if (state.bucket && fits[state.bucket]) return state.bucket;
  return BUCKETS.find(([, most]) => days <= most)[0];
}

function isWhole(data, state) {
  return state.from === data.start && state.to === data.end;
}

/** Sets a period, within the data's. */
function setPeriod(data, state, from, to) {
  const within = (day) => Math.min(Math.max(day, data.start), data.end);
  [state.from, state.to] = [within(Math.min(from, to)), within(Math.max(from, to))];
}

function toHash(data, state) {
  const out = new URLSearchParams();
  if (!isWhole(data, state)) {
    out.set("from", dayText(state.from));
    out.set("to", dayText(state.to));
  }
  if (state.bucket) out.set("bars", state.bucket);
  if (state.by !== "model") out.set("by", state.by);
  if (state.metric !== "cost") out.set("show", state.metric);
  for (const dimension of DIMENSIONS) {
    const on = state.on[dimension];
    const off = on.filter((one) => !one).length;
    const few = off > on.length / 2;
    if (off > 0) on.forEach((one, i) => one === few && out.append(few ? dimension : `not-${dimension}`, data.names[dimension][i]));
    if (off > 0 && off === on.length) out.append(dimension, "");
  }
  if (state.words) out.set("words", state.words);
  return out.toString();
}

function fromHash(data, hash) {
  const state = freshState(data);
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const [from, to] = ["from", "to"].map((name) => dayNumber(given.get(name) ?? ""));
  if (from !== null || to !== null) setPeriod(data, state, from ?? data.start, to ?? data.end);
  if (BUCKETS.some(([name]) => name === given.get("bars"))) state.bucket = given.get("bars");
  if (DIMENSIONS.includes(given.get("by"))) state.by = given.get("by");
  if (Object.hasOwn(METRICS, given.get("show") ?? "")) state.metric = given.get("show");
  for (const dimension of DIMENSIONS) {
    const only = given.getAll(dimension);
    const not = given.getAll(`not-${dimension}`);
    const names = data.names[dimension];
    state.on[dimension] = names.map((name) => (only.length === 0 || only.includes(name)) && !not.includes(name));
  }
  state.words = given.get("words") ?? "";
  return state;
}
