// How much of the prompts came from the cache, and what that saved.

function drawCache(view, data) {
  const node = byId("cache");
  const ink = colors();
  const shares = view.bars.map((bar) => cacheShare(bar.sum));
  const names = view.buckets.list;
  const rows = view.bars.map((bar, i) => [names[i].name, ...cacheLines(bar.sum).map(([, value]) => value)]);
  fillTable("cache-table", ["Period", ...cacheLines(emptySum()).map(([name]) => name)], rows);
  if (isEmpty(view)) return void showEmpty(node);
  node.replaceChildren();
  const axes = barAxes(view, "cost", ink);
  axes[1].values = (_, all) => all.map((value) => `${Math.round(value * 100)}%`);
  const options = {
    width: Math.max(200, node.clientWidth),
    height: 200,
    padding: [10, 24, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false } },
    scales: { x: { time: false, range: [-0.6, Math.max(0.6, names.length - 0.4)] }, y: { range: [0, 1.04] } },
    axes,
    series: [{}, { stroke: ink.parts[2], width: 2, spanGaps: true, points: { show: names.length < 40, size: 6, fill: ink.parts[2] } }],
  };
  const chart = new uPlot(options, [names.map((_, i) => i), shares], node);
  const at = (event) => chart.posToIdx(event.clientX - chart.over.getBoundingClientRect().left);
  chart.over.addEventListener("pointerleave", hideTip);
  chart.over.addEventListener("pointermove", (event) => {
    const i = at(event);
    if (names[i]) showTip(event, names[i].long, cacheLines(view.bars[i].sum));
  });
}

function cacheLines(sum) {
  return [
    ["Read from cache", percent(cacheShare(sum))],
    ["Saved", money(sum.saved)],
    ["Tokens read", whole(sum.read)],
    ["Tokens written", whole(sum.write)],
    ["Other input", whole(sum.input)],
  ];
}
