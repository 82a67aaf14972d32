// The main chart: stacked bars over time, painted by uPlot.

const HEIGHT = 320;
const axisFont = "12px system-ui, sans-serif";

/** Stacks: for each part in order, its height on top of those before it. uPlot paints the tallest first. */
function stacks(view, parts, metric) {
  const of = METRICS[metric].of;
  const rows = parts.own.map((part) => view.bars.map((bar) => (bar.parts.has(part) ? of(bar.parts.get(part)) : 0)));
  if (parts.more > 0) rows.push(view.bars.map((bar, i) => Math.max(0, of(bar.sum) - rows.reduce((sum, row) => sum + row[i], 0))));
  const tops = [];
  rows.forEach((row, at) => tops.push(row.map((value, i) => value + (at > 0 ? tops[at - 1][i] : 0))));
  return tops;
}

function barAxes(view, metric, ink) {
  const names = view.buckets.list.map((bar) => bar.tick);
  // A name needs about 56 pixels; the last must not be cut.
  const splits = (chart) => {
    const step = Math.max(1, Math.ceil((names.length * 62) / Math.max(1, chart.width - 90)));
    return names.map((_, i) => i).filter((i) => (names.length - 1 - i) % step === 0);
  };
  const common = { stroke: ink.quiet, font: axisFont, grid: { stroke: ink.line, width: 1 }, ticks: { show: false } };
  return [
    { ...common, grid: { show: false }, splits, values: (_, at) => at.map((i) => names[i]), gap: 6, size: 30 },
    { ...common, values: (_, all) => METRICS[metric].axis(all), gap: 4, size: 52 },
  ];
}

function isEmpty(view) {
  return view.total.requests === 0 && view.total.tokens === 0;
}

/** Says that there is nothing to paint. */
function showEmpty(node) {
  node.replaceChildren(make("p", { class: "quiet empty" }, "No usage in this period, or everything is switched off."));
  return null;
}

/** What an axis spans when there is nothing above zero. */
function fromZero(_, low, high) {
  return high > 0 ? [0, high * 1.08] : [0, 1];
}

function barOptions(view, state, parts, node, actions) {
  const ink = colors();
  const color = (i) => (i < parts.own.length ? ink.parts[i] : ink.other);
  const number = parts.own.length + (parts.more > 0 ? 1 : 0);
  const paths = uPlot.paths.bars({ size: [0.86, 56], align: 0 });
  const series = Array.from({ length: number }, (_, i) => ({ fill: color(number - 1 - i), stroke: color(number - 1 - i), width: 0, paths, points: { show: false } }));
  return {
    width: Math.max(200, node.clientWidth),
    height: HEIGHT,
    padding: [10, 24, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    scales: { x: { time: false, range: [-0.6, Math.max(0.6, view.buckets.list.length - 0.4)] }, y: { range: fromZero } },
    axes: barAxes(view, state.metric, ink),
    series: [{}, ...series],
    hooks: { setCursor: [(chart) => actions.hover(chart.cursor.idx)], setSelect: [(chart) => selected(chart, actions)] },
  };
}

/** Ends a drag over bars: the period becomes theirs. */
function selected(chart, actions) {
  const { left, width } = chart.select;
  if (width < 6) return;
  const from = chart.posToIdx(left);
  const to = chart.posToIdx(left + width);
  chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  actions.zoom(from, to);
}

/** The lines of a bar: its parts, highest first, and their sum. */
function barLines(view, data, state, parts, at) {
  const { text, of } = METRICS[state.metric];
  const ink = colors();
  const bar = view.bars[at];
  const lines = Array.from(bar.parts, ([part, sum]) => {
    const place = parts.place.get(part);
    return { value: of(sum), line: [data.shown[state.by][part], text(sum), place === undefined ? ink.other : ink.parts[place]] };
  });
  lines.sort((a, b) => b.value - a.value);
  const shown = lines.slice(0, 12).map((one) => one.line);
  if (lines.length > 12) shown.push([`${lines.length - 12} more`, "", null]);
  return [...shown, ["Total", text(bar.sum), null]];
}

/** The parts and their colors; the table below the chart has the figures. */
function drawLegend(data, state, parts) {
  const ink = colors();
  const item = (name, color) => make("li", {}, make("i", { class: "swatch", style: { background: color } }), name);
  const items = parts.own.map((part, i) => item(data.shown[state.by][part], ink.parts[i]));
  if (parts.more > 0) items.push(item(`${parts.more} others`, ink.other));
  byId("legend").replaceChildren(...items);
}

function barTable(view, data, state, parts) {
  const { text } = METRICS[state.metric];
  const names = [...parts.own.map((part) => data.shown[state.by][part]), ...(parts.more > 0 ? ["Others"] : [])];
  const rest = (bar) => {
    const sum = emptySum();
    for (const [part, one] of bar.parts) if (!parts.place.has(part)) for (const key of Object.keys(sum)) sum[key] += one[key];
    return sum;
  };
  const rows = view.bars.map((bar, i) => {
    const own = parts.own.map((part) => text(bar.parts.get(part) ?? emptySum()));
    return [view.buckets.list[i].name, ...own, ...(parts.more > 0 ? [text(rest(bar))] : []), text(bar.sum)];
  });
  const kind = view.buckets.kind;
  fillTable("bars-table", [kind[0].toUpperCase() + kind.slice(1), ...names, "Total"], rows);
}

function drawBars(view, data, state, actions) {
  const node = byId("bars");
  const parts = coloredParts(view, data, state);
  node.replaceChildren();
  drawLegend(data, state, parts);
  barTable(view, data, state, parts);
  const lines = (at) => barLines(view, data, state, parts, at);
  if (isEmpty(view)) return { chart: showEmpty(node), lines };
  const tops = stacks(view, parts, state.metric);
  const columns = [view.buckets.list.map((_, i) => i), ...tops.reverse()];
  if (columns.length === 1) columns.push(columns[0].map(() => 0));
  const options = barOptions(view, state, parts, node, actions);
  if (options.series.length === 1) options.series.push({ width: 0, points: { show: false } });
  return { chart: new uPlot(options, columns, node), lines };
}
