// The table of sessions of the view.

const SESSION_COLUMNS = [
  ["Session", "text", (one) => one.id],
  ["Project", "text", (one) => one.project],
  ["Machines", "text", (one) => one.machines],
  ["Models", "text", (one) => one.models],
  ["Last used", "text", (one) => one.last],
  ["Requests", "number", (one) => one.sum.requests],
  ["Tokens", "number", (one) => one.sum.tokens],
  ["Cost", "number", (one) => one.sum.cost],
];
/** To lay out thousands of rows takes seconds. */
const PAGE = 100;
const table = { column: 4, order: "descending", limit: PAGE };

/** A session's texts. Number 0 is what has no session, number 1 the sessions that are left out. */
function sessionTexts(data, session) {
  const list = (set, names) => Array.from(set, (i) => names[i]).sort().join(", ");
  const own = session.at > 1;
  const one = {
    own,
    id: own ? data.sessions.id[session.at - 2] : session.at === 1 ? "(sessions left out)" : "(no session)",
    last: own ? minuteText(data.sessions.last[session.at - 2]) : "",
    project: own ? data.names.project[session.project] : "",
    machines: own ? list(session.machines, data.names.machine) : "",
    models: own ? list(session.models, data.shown.model) : "",
    sum: session.sum,
  };
  one.words = [one.id, one.project, one.machines, one.models, one.last].join(" ").toLowerCase();
  return one;
}

function drawSessions(view, data, state) {
  const all = Array.from(view.sessions.values(), (session) => sessionTexts(data, session));
  const words = state.words.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((one) => words.every((word) => one.words.includes(word)));
  const [, kind, value] = SESSION_COLUMNS[table.column];
  const sign = table.order === "ascending" ? 1 : -1;
  const compare = kind === "number" ? (a, b) => value(a) - value(b) : (a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0);
  found.sort((a, b) => Number(b.own) - Number(a.own) || sign * compare(a, b));
  byId("sessions").tBodies[0].replaceChildren(...found.slice(0, table.limit).map(sessionRow));
  const sum = emptySum();
  for (const one of found) for (const key of Object.keys(sum)) sum[key] += one.sum[key];
  const own = (list) => list.filter((one) => one.own).length;
  const first = found.length > table.limit ? `, the first ${whole(table.limit)} shown` : "";
  byId("shown").textContent = `${whole(own(found))} of ${counted(own(all), "session")}, ${price(sum)}${first}`;
  byId("more").hidden = found.length <= table.limit;
  for (const [i, head] of Array.from(byId("sessions").tHead.rows[0].cells).entries()) head.setAttribute("aria-sort", i === table.column ? table.order : "none");
}

function sessionRow(one) {
  const texts = [one.id, one.project, one.machines, one.models, one.last].map((text, i) => make("td", { class: i === 0 || i === 4 ? "key" : null, "data-name": SESSION_COLUMNS[i][0] }, text));
  const numbers = [whole(one.sum.requests), whole(one.sum.tokens), price(one.sum)].map((text, i) => make("td", { class: "number", "data-name": SESSION_COLUMNS[i + 5][0] }, text));
  return make("tr", {}, ...texts, ...numbers);
}

function wireSessions(state, redraw) {
  const heads = SESSION_COLUMNS.map(([name, kind], i) => {
    const sort = () => {
      const first = kind === "number" ? "descending" : "ascending";
      table.order = table.column !== i ? first : table.order === "ascending" ? "descending" : "ascending";
      table.column = i;
      redraw();
    };
    return make("th", { scope: "col", class: kind === "number" ? "number" : null }, make("button", { type: "button", onclick: sort }, name));
  });
  byId("sessions").tHead.replaceChildren(make("tr", {}, ...heads));
  byId("filter").addEventListener("input", (event) => {
    state().words = event.target.value;
    table.limit = PAGE;
    redraw();
  });
  byId("more").addEventListener("click", () => {
    table.limit *= 4;
    redraw();
  });
}
