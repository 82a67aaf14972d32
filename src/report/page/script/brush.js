// The strip of the whole time: its curve, and the chosen period, which can be dragged, moved and resized.

/** Weeks of the whole time where it is long, else days; with what is switched on. */
function overview(data, state) {
  const step = data.end - data.start > 400 ? 7 : 1;
  const values = new Float64Array(Math.floor((data.end - data.start) / step) + 1);
  const { cells } = data;
  for (let i = 0; i < data.size; i += 1) {
    if (!DIMENSIONS.every((name) => state.on[name][cells[name][i]])) continue;
    const at = Math.floor((cells.day[i] - data.start) / step);
    if (at < 0 || at >= values.length) continue;
    const tokens = cells.input[i] + cells.output[i] + cells.write5m[i] + cells.write1h[i] + cells.read[i];
    values[at] += { cost: cells.cost[i], requests: cells.requests[i], tokens }[state.metric];
  }
  return { values: Array.from(values), step };
}

function drawStrip(data, state) {
  const node = byId("strip");
  const { values, step } = overview(data, state);
  const ink = colors();
  node.querySelector(".uplot")?.remove();
  const options = {
    width: Math.max(200, node.clientWidth),
    height: 64,
    padding: [4, 0, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, range: [-0.5, (data.end - data.start + 1) / step - 0.5] }, y: { range: fromZero } },
    axes: [{ show: false }, { show: false }],
    series: [{}, { fill: ink.other, width: 0, paths: uPlot.paths.bars({ size: [0.9, 40], align: 0 }), points: { show: false } }],
  };
  const chart = new uPlot(options, [values.map((_, i) => i), values], node);
  node.prepend(chart.root);
  placeWindow(data, state);
}

function placeWindow(data, state) {
  const all = data.end - data.start + 1;
  const window = byId("window");
  window.style.left = `${((state.from - data.start) / all) * 100}%`;
  window.style.width = `${((state.to - state.from + 1) / all) * 100}%`;
}

/** What a press on the strip does: move the window, move one of its ends, or begin another one. */
function grip(data, state, day, reach) {
  if (Math.abs(day - state.from) <= reach && state.from > data.start) return { fixed: state.to };
  if (Math.abs(day - state.to) <= reach && state.to < data.end) return { fixed: state.from };
  const inside = day > state.from && day < state.to && !isWhole(data, state);
  return inside ? { moved: day, from: state.from, to: state.to } : { fixed: day };
}

function wireStrip(data, getState, preview, done) {
  const node = byId("strip");
  let held = null;
  const dayAt = (event) => {
    const box = node.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 0.999999);
    return data.start + Math.floor(share * (data.end - data.start + 1));
  };
  node.addEventListener("pointerdown", (event) => {
    const reach = ((data.end - data.start + 1) / node.clientWidth) * 10;
    held = grip(data, getState(), dayAt(event), reach);
    node.setPointerCapture(event.pointerId);
  });
  node.addEventListener("pointermove", (event) => {
    if (!held) return;
    const day = dayAt(event);
    if (held.moved === undefined) return preview(held.fixed, day);
    const by = Math.min(Math.max(day - held.moved, data.start - held.from), data.end - held.to);
    preview(held.from + by, held.to + by);
  });
  const end = () => {
    if (held) done();
    held = null;
  };
  node.addEventListener("pointerup", end);
  node.addEventListener("pointercancel", end);
}
