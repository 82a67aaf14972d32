// Machines, projects, models and agents: a bar for each, and a switch.

/** How many members a list shows before it is opened. */
const FEW = 8;
const openedFacets = new Set();

function drawFacets(view, data, state, change) {
  for (const name of DIMENSIONS) {
    const node = byId(`facet-${name}`);
    const focus = node.contains(document.activeElement) ? document.activeElement.id : null;
    drawFacet(node, name, view, data, state, change);
    if (focus) byId(focus)?.focus();
  }
}

function drawFacet(node, name, view, data, state, change) {
  const metric = METRICS[state.metric];
  const sums = view.facets[name];
  const on = state.on[name];
  const order = data.ranks[name].filter((i) => sums[i].requests > 0 || sums[i].tokens > 0 || !on[i]);
  order.sort((a, b) => metric.of(sums[b]) - metric.of(sums[a]));
  const highest = Math.max(1, ...order.map((i) => metric.of(sums[i])));
  const all = order.reduce((sum, i) => sum + (on[i] ? metric.of(sums[i]) : 0), 0);
  const shown = openedFacets.has(name) ? order : order.slice(0, FEW);
  const parts = state.by === name ? coloredParts(view, data, state) : null;
  const ink = colors();
  const rows = shown.map((i) => facetRow({ name, i, sum: sums[i], on: on[i], highest, all, parts, ink }, data, metric, change));
  node.querySelector("ul").replaceChildren(...rows);
  const off = on.filter((one) => !one).length;
  node.querySelector(".state").textContent = off > 0 ? `${on.length - off} of ${on.length}` : String(on.length);
  const reset = node.querySelector(".all");
  reset.hidden = off === 0;
  reset.onclick = () => change(name, () => true);
  const more = node.querySelector(".more");
  more.hidden = order.length <= FEW;
  more.textContent = openedFacets.has(name) ? "Show fewer" : `Show ${order.length - FEW} more`;
  more.onclick = () => {
    if (!openedFacets.delete(name)) openedFacets.add(name);
    drawFacet(node, name, view, data, state, change);
  };
}

function facetRow({ name, i, sum, on, highest, all, parts, ink }, data, metric, change) {
  const place = parts?.place.get(i);
  const color = !on || !parts ? null : place === undefined ? ink.other : ink.parts[place];
  const text = data.shown[name][i];
  const id = `on-${name}-${i}`;
  const box = make("input", { type: "checkbox", id, onchange: (event) => change(name, (k, was) => (k === i ? event.target.checked : was)) });
  box.checked = on;
  const share = on && all > 0 ? percent(metric.of(sum) / all) : "";
  const bar = make("span", { class: "bar", style: { width: `${(metric.of(sum) / highest) * 100}%`, ...(color ? { background: color } : {}) } });
  const only = make("button", { type: "button", class: "only", id: `only-${name}-${i}`, "aria-label": `Only ${text}`, onclick: () => change(name, (k) => k === i) }, "only");
  const label = make("label", { for: id, title: data.names[name][i] }, text);
  return make("li", { class: on ? null : "off" }, box, label, only, make("span", { class: "number" }, metric.text(sum)), make("span", { class: "number share" }, share), make("span", { class: "track" }, bar));
}
