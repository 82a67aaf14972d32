// Elements. Text only ever goes into text nodes and attributes.

function byId(id) {
  return document.getElementById(id);
}

/** An element with attributes and children; `on…` attributes are listeners, false and null ones are left out. */
function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "rect", "text", "g", "title"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") Object.entries(value).forEach(([key, one]) => node.style.setProperty(key, one));
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A table behind a chart. `rows`: a name and texts. */
function fillTable(id, heads, rows) {
  const table = byId(id);
  const cell = (text, i) => make(i === 0 ? "th" : "td", i === 0 ? { scope: "row" } : { class: "number" }, text);
  const head = make("tr", {}, ...heads.map((text, i) => make("th", { scope: "col", class: i === 0 ? null : "number" }, text)));
  table.querySelector("thead").replaceChildren(head);
  table.querySelector("tbody").replaceChildren(...rows.map((row) => make("tr", {}, ...row.map(cell))));
}

/** Buttons of which one is pressed. `options`: value and text. */
function fillChoice(id, options, chosen, choose) {
  const group = byId(id);
  const known = Array.from(group.querySelectorAll("button"), (button) => button.value).join();
  if (known !== options.map(([value]) => value).join()) {
    group.replaceChildren(...options.map(([value, text]) => make("button", { type: "button", value, onclick: () => choose(value) }, text)));
  }
  for (const button of group.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.value === chosen));
}

/** A floating box with exact figures, beside the pointer and within the window. */
function showTip(event, title, lines) {
  const tip = byId("tip");
  tip.replaceChildren(make("b", {}, title), ...lines.map(([name, value, color]) => tipLine(name, value, color)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const x = event.clientX + 14 + box.width > innerWidth ? event.clientX - box.width - 14 : event.clientX + 14;
  tip.style.left = `${Math.max(4, x)}px`;
  tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - box.height - 4))}px`;
}

function tipLine(name, value, color) {
  const swatch = color ? make("i", { class: "swatch", style: { background: color } }) : null;
  return make("span", {}, make("span", {}, swatch, name), make("span", { class: "number" }, value));
}

function hideTip() {
  byId("tip").hidden = true;
}
