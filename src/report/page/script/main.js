// The page: draws the state, and changes it.

function drawTiles(view, data, state) {
  const { total, before } = view;
  const days = state.to - state.from + 1;
  const since = (name) => {
    const old = before ? METRICS[name].of(before) : 0;
    if (old <= 0) return "";
    const change = METRICS[name].of(total) / old - 1;
    const sign = change >= 0 ? "+" : "−";
    return `${sign}${whole(Math.abs(change) * 100)}% vs. the ${days === 1 ? "day" : counted(days, "day")} before`;
  };
  const sessions = Array.from(view.sessions.keys()).filter((at) => at > 1).length;
  const left = view.sessions.has(1) ? "without older ones" : "";
  const tiles = [
    ["cost", "Cost", price(total), since("cost"), total.cost],
    ["tokens", "Tokens", whole(total.tokens), since("tokens"), total.tokens],
    ["requests", "Requests", whole(total.requests), since("requests"), total.requests],
    ["session-count", "Sessions", whole(sessions), left, sessions],
    ["cache-share", "Read from cache", percent(cacheShare(total)), "of the tokens of prompts", cacheShare(total) ?? ""],
    ["saved", "Saved by the cache", price({ cost: total.saved, unknown: total.unknown }), "at list prices, estimated", total.saved],
  ];
  byId("tiles").replaceChildren(...tiles.map(([id, name, text, note, exact]) => make("div", { id: `tile-${id}`, "data-exact": exact }, make("dt", {}, name), make("dd", {}, text, make("small", {}, note)))));
}

function drawPeriod(data, state) {
  const period = periodText(state.from, state.to);
  byId("period").textContent = data.size === 0 ? `No usage: ${period}` : isWhole(data, state) ? `${period} (all)` : period;
  byId("from").value = dayText(state.from);
  byId("to").value = dayText(state.to);
  const off = DIMENSIONS.some((name) => state.on[name].includes(false));
  byId("reset").hidden = isWhole(data, state) && !off && !state.words;
}

/** Periods that end with the data: their names and first days. */
function presets(data) {
  const month = monthStart(data.end);
  const lastMonth = monthStart(month - 1);
  const list = [["7 days", data.end - 6], ["30 days", data.end - 29], ["90 days", data.end - 89], [`${MONTHS[dayParts(month).month]}`, month], [`${MONTHS[dayParts(lastMonth).month]}`, lastMonth, month - 1], ["12 months", data.end - 364], ["All", data.start]];
  const usable = list.filter(([name, from]) => from > data.start || name === "All");
  return usable.map(([name, from, to]) => ({ name, from, to: to ?? data.end }));
}

function drawChoices(data, state, view, act) {
  fillChoice("metrics", Object.entries(METRICS).map(([key, { name }]) => [key, name]), state.metric, (value) => act((s) => (s.metric = value)));
  fillChoice("groups", DIMENSIONS.map((name) => [name, TITLES[name]]), state.by, (value) => act((s) => (s.by = value)));
  fillChoice("buckets", BUCKETS.map(([name]) => [name, name[0].toUpperCase() + name.slice(1)]), view.buckets.kind, (value) => act((s) => (s.bucket = value)));
  for (const button of byId("buckets").children) button.disabled = bucketOf({ ...state, bucket: button.value }) !== button.value;
  const all = presets(data);
  const now = all.find(({ from, to }) => from === state.from && to === state.to);
  const choose = (name) => {
    const { from, to } = all.find((one) => one.name === name);
    act((s) => choosePeriod(data, s, from, to));
  };
  fillChoice("presets", all.map(({ name }) => [name, name]), now?.name ?? "", choose);
}

/** Another period, with bars of the kind that fits it. */
function choosePeriod(data, state, from, to) {
  setPeriod(data, state, from, to);
  state.bucket = null;
}

/** Members of each dimension, sorted by all that they cost. */
function rankAll(data) {
  data.ranks = {};
  for (const name of DIMENSIONS) {
    const sums = new Float64Array(data.names[name].length);
    for (let i = 0; i < data.size; i += 1) sums[data.cells[name][i]] += data.cells.cost[i];
    data.ranks[name] = Array.from(sums.keys()).sort((a, b) => sums[b] - sums[a]);
  }
}

class Page {
  constructor(data) {
    this.data = data;
    this.state = fromHash(data, location.hash);
    this.trail = [];
    this.at = null;
    this.dragged = false;
  }

  start() {
    const { data } = this;
    wireSessions(() => this.state, () => this.keep(() => drawSessions(this.view, data, this.state)));
    wireBars(byId("bars"), () => this.bar());
    wireStrip(data, () => this.state, (from, to) => this.preview(from, to), () => this.act(() => {}));
    for (const id of ["from", "to"]) byId(id).addEventListener("change", () => this.dates());
    byId("reset").addEventListener("click", () => this.act((state) => Object.assign(state, { ...freshState(data), by: state.by, metric: state.metric })));
    byId("up").addEventListener("click", () => this.up());
    addEventListener("hashchange", () => this.follow());
    let width = innerWidth;
    addEventListener("resize", () => {
      if (innerWidth !== width) this.draw();
      width = innerWidth;
    });
    byId("filter").value = this.state.words;
    watchTheme(() => this.draw());
  }

  /** Changes the state, then the page. */
  act(change) {
    change(this.state);
    this.keep(() => this.draw());
  }

  keep(draw) {
    const hash = toHash(this.data, this.state);
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    draw();
  }

  /** The address was changed by hand. */
  follow() {
    this.state = fromHash(this.data, location.hash);
    byId("filter").value = this.state.words;
    this.draw();
  }

  draw() {
    const { data, state } = this;
    this.view = computeView(data, state);
    this.at = null;
    drawPeriod(data, state);
    drawChoices(data, state, this.view, (change) => this.act(change));
    drawTiles(this.view, data, state);
    drawStrip(data, state);
    const zoom = (from, to) => this.zoom(from, to);
    this.drawn = drawBars(this.view, data, state, { hover: (at) => this.hover(at), zoom });
    drawFacets(this.view, data, state, (name, on) => this.act((s) => (s.on[name] = s.on[name].map((was, i) => on(i, was)))));
    drawCalendar(this.view, data, state, (day) => this.open({ from: day, to: day }));
    drawHours(this.view, data, state);
    drawCache(this.view, data);
    drawLimits(data, state);
    drawSessions(this.view, data, state);
    byId("up").hidden = this.trail.length === 0;
    this.hover(null);
  }

  hover(at) {
    this.at = at ?? null;
    if (this.drawn) readBar(this.view, this.state, this.drawn.lines, this.at, (bar) => this.open(opened(this.view, this.state, bar)));
  }

  bar() {
    const { drawn, view, at, dragged } = this;
    this.dragged = false;
    return { drawn, view, at, dragged, open: (bar) => this.open(opened(view, this.state, bar)), up: () => this.up(), hover: (bar) => drawn.chart?.setCursor({ left: drawn.chart.valToPos(bar, "x"), top: 8 }) };
  }

  zoom(from, to) {
    this.dragged = true;
    const { list } = this.view.buckets;
    this.open({ from: list[from].from, to: list[to].to });
  }

  open(period) {
    if (!period) return;
    hideTip();
    this.trail.push([this.state.from, this.state.to, this.state.bucket]);
    this.act((state) => choosePeriod(this.data, state, period.from, period.to));
  }

  /** Back to the period from which this one was opened. */
  up() {
    const last = this.trail.pop();
    if (!last) return;
    this.act((state) => ([state.from, state.to, state.bucket] = last));
  }

  preview(from, to) {
    this.trail = [];
    setPeriod(this.data, this.state, from, to);
    this.state.bucket = null;
    placeWindow(this.data, this.state);
    drawPeriod(this.data, this.state);
  }

  dates() {
    const [from, to] = ["from", "to"].map((id) => dayNumber(byId(id).value));
    if (from === null || to === null) return drawPeriod(this.data, this.state);
    this.trail = [];
    this.act((state) => choosePeriod(this.data, state, from, to));
  }
}

readData().then(
  (data) => {
    rankAll(data);
    new Page(data).start();
    document.documentElement.dataset.ready = "yes";
  },
  () => {
    byId("period").textContent = "This browser cannot read the page's data: use one of 2023 or later.";
  },
);
