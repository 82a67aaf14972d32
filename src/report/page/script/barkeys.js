// Reading and opening bars: by pointer, by touch and by keys.

/** What a bar opens: a month or a week its days, a day its hours and sessions. Null where it is the whole view already. */
function opened(view, state, at) {
  const bar = view.buckets.list[at];
  const smaller = bar && (bar.from > state.from || bar.to < state.to);
  return smaller ? { from: bar.from, to: bar.to } : null;
}

/** Shows a bar's figures in the line below the chart, which screen readers read. */
function readBar(view, state, lines, at, open) {
  const bar = view.buckets.list[at];
  const node = byId("reading");
  if (!bar) return void node.replaceChildren("Point at a bar for its figures, click to open it, drag to choose a period. Keys: arrows, Enter, Escape.");
  const all = lines(at);
  const total = all.pop();
  const text = [`${bar.long}: ${total[1]}`, ...all.slice(0, 4).map(([name, value]) => (value ? `${name} ${value}` : name))].join(" · ");
  const button = opened(view, state, at) ? make("button", { type: "button", onclick: () => open(at) }, "Open") : null;
  node.replaceChildren(make("span", {}, text), button);
}

function wireBars(node, getNow) {
  let byTouch = false;
  node.addEventListener("pointerdown", (event) => (byTouch = event.pointerType === "touch"), true);
  node.addEventListener("pointerleave", hideTip);
  node.addEventListener("pointermove", (event) => {
    const { drawn, view, at } = getNow();
    if (event.pointerType === "touch" || at === null || !view.buckets.list[at]) return hideTip();
    showTip(event, view.buckets.list[at].long, drawn.lines(at));
  });
  node.addEventListener("click", () => {
    const { at, open, dragged } = getNow();
    if (!byTouch && !dragged && at !== null) open(at);
  });
  node.addEventListener("keydown", (event) => barKey(event, getNow()));
}

function barKey(event, { view, at, open, up, hover }) {
  const last = view.buckets.list.length - 1;
  const to = { ArrowLeft: (at ?? last + 1) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: last }[event.key];
  if (to !== undefined) hover(Math.min(Math.max(to, 0), last));
  else if (event.key === "Enter" && at !== null) open(at);
  else if (event.key === "Escape") up();
  else return;
  event.preventDefault();
}
