// Plan limits over time: the course of each window, from its beginning to what was stated last.

const DAY_MINUTES = 1440;
/** What may lie between two names of the axis, in minutes. */
const LIMIT_STEPS = [60, 180, 360, 720, 1, 2, 7, 14, 30, 91, 182, 365].map((step, i) => (i < 4 ? step : step * DAY_MINUTES));

/** A window's points: it begins with nothing used, where its beginning is known. */
function windowPoints({ starts, times, used }) {
  const points = times.map((time, i) => [time, used[i] / 100]);
  return starts !== null && (points.length === 0 || starts < points[0][0]) ? [[starts, 0], ...points] : points;
}

/** The windows that were stated in a period, by limit; each with its limit's index. */
function limitsOf(data, { from, to }) {
  const [first, end] = [from * DAY_MINUTES, (to + 1) * DAY_MINUTES];
  const touches = ({ starts, times }) => times.length > 0 && times[times.length - 1] >= first && (starts ?? times[0]) < end;
  return data.limits.map(({ name, windows }) => ({ name, windows: windows.filter(touches) })).filter(({ windows }) => windows.length > 0);
}

/** Columns for the chart: times, then a column for each limit. `null` ends a window; `undefined` is a time of another limit. */
function limitColumns(limits) {
  const maps = limits.map(({ windows }) => {
    const values = new Map();
    for (const window of windows) {
      for (const [time, used] of windowPoints(window)) values.set(time, used);
      const last = window.times[window.times.length - 1];
      values.set(last + 1, null);
    }
    return values;
  });
  const times = Array.from(new Set(maps.flatMap((values) => Array.from(values.keys())))).sort((a, b) => a - b);
  return [times, ...maps.map((values) => times.map((time) => values.get(time)))];
}

function limitAxes(state, ink) {
  const first = state.from * DAY_MINUTES;
  const minutes = (state.to + 1) * DAY_MINUTES - first;
  const splits = (chart) => {
    const most = Math.max(2, Math.floor((chart.width - 90) / 66));
    const step = LIMIT_STEPS.find((one) => minutes / one <= most) ?? LIMIT_STEPS[LIMIT_STEPS.length - 1];
    return Array.from({ length: Math.floor(minutes / step) + 1 }, (_, i) => first + i * step);
  };
  const name = (time) => {
    const { year, month, date } = dayParts(Math.floor(time / DAY_MINUTES));
    if (time % DAY_MINUTES !== 0) return minuteText(time).slice(11);
    return minutes > 400 * DAY_MINUTES ? `${MONTHS[month]} ${year}` : `${date} ${MONTHS[month]}`;
  };
  const common = { stroke: ink.quiet, font: axisFont, ticks: { show: false } };
  return [
    { ...common, grid: { show: false }, splits, values: (_, at) => at.map(name), gap: 6, size: 30 },
    { ...common, grid: { stroke: ink.line, width: 1 }, values: (_, all) => all.map((value) => `${value}%`), gap: 4, size: 52 },
  ];
}

/** A share in percent as `limits` writes it. */
function usedText(used) {
  return `${Number.isInteger(used) ? used : used.toFixed(1)}%`;
}

/** What had been stated of each limit until a time. */
function limitLines(limits, time, ink) {
  return limits.flatMap(({ name, windows }, i) => {
    const window = windows.findLast((one) => windowPoints(one)[0][0] <= time && time <= one.ends);
    const point = window && windowPoints(window).findLast(([at]) => at <= time);
    return point ? [[name, usedText(point[1]), ink.parts[i % PARTS]]] : [];
  });
}

function fillLimitTable(limits) {
  const rows = limits.flatMap(({ name, windows }) => windows.map((one) => {
    const last = one.times.length - 1;
    return { time: one.times[last], row: [name, usedText(one.used[last] / 100), minuteText(one.times[last]), minuteText(one.ends)] };
  }));
  rows.sort((a, b) => b.time - a.time);
  fillTable("limits-table", ["Limit", "Used", "Stated", "Resets"], rows.map(({ row }) => row));
}

function drawLimits(data, state) {
  byId("limits-card").hidden = data.limits.length === 0;
  if (data.limits.length === 0) return;
  const node = byId("limits");
  const ink = colors();
  const limits = limitsOf(data, state);
  fillLimitTable(limits);
  const swatch = (i) => make("i", { class: "swatch", style: { background: ink.parts[i % PARTS] } });
  byId("limits-legend").replaceChildren(...limits.map(({ name }, i) => make("li", {}, swatch(i), name)));
  node.replaceChildren();
  if (limits.length === 0) return void node.replaceChildren(make("p", { class: "quiet empty" }, "No limits were stated in this period."));
  const columns = limitColumns(limits);
  const series = limits.map((_, i) => {
    const color = ink.parts[i % PARTS];
    return { stroke: color, width: 2, points: { show: columns[0].length < 60, size: 5, fill: color } };
  });
  const options = {
    width: Math.max(200, node.clientWidth),
    height: 220,
    padding: [10, 24, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false } },
    scales: { x: { time: false, range: [state.from * DAY_MINUTES, (state.to + 1) * DAY_MINUTES] }, y: { range: [0, 104] } },
    axes: limitAxes(state, ink),
    series: [{}, ...series],
  };
  const chart = new uPlot(options, columns, node);
  chart.over.addEventListener("pointerleave", hideTip);
  chart.over.addEventListener("pointermove", (event) => {
    const time = Math.floor(chart.posToVal(event.clientX - chart.over.getBoundingClientRect().left, "x"));
    const lines = limitLines(limits, time, ink);
    if (lines.length > 0) showTip(event, minuteText(time), lines);
    else hideTip();
  });
}
