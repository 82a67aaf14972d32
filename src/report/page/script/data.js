// The page's data: reading what is embedded, as columns of numbers.

/** What a cell's hour is where only its day is known. */
const NO_HOUR = 24;
/** The dimensions that can be switched on and off, by name. */
const DIMENSIONS = ["machine", "project", "model", "agent"];
const TITLES = { machine: "Machine", project: "Project", model: "Model", agent: "Agent" };

async function readData() {
  const node = document.getElementById("data");
  const text = node.textContent.trim();
  if (node.dataset.encoding !== "deflate") return decode(JSON.parse(text));
  const binary = atob(text);
  // A loop: Uint8Array.from with a function takes several times as long.
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = binary.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return decode(await new Response(stream).json());
}

/** Sums up a column of differences. */
function running(column) {
  const out = new Int32Array(column.length);
  let value = 0;
  for (let i = 0; i < column.length; i += 1) {
    value += column[i];
    out[i] = value;
  }
  return out;
}

function decode(data) {
  const { cells } = data;
  cells.day = running(cells.day);
  cells.session = running(cells.session);
  for (const name of ["hour", ...DIMENSIONS]) cells[name] = Uint32Array.from(cells[name]);
  for (const name of ["requests", "input", "output", "write5m", "write1h", "read", "cost"]) cells[name] = Float64Array.from(cells[name]);
  cells.unknown = Uint8Array.from(cells.unknown);
  data.size = cells.day.length;
  data.sessions.last = running(data.sessions.last);
  data.names = { machine: data.machines, project: data.projects.map((name) => name || "(no name)"), model: data.models, agent: data.agents };
  data.shown = { ...data.names, model: data.shortModels };
  for (const { windows } of data.limits) for (const one of windows) one.times = Array.from(running(one.times));
  data.saved = savings(data);
  data.end = Math.max(data.until ?? data.today, data.last ?? data.today);
  data.start = Math.min(data.since ?? data.first ?? data.end, data.end);
  return data;
}

/** What the cache saved in each cell, in nanodollars: the prompt's price without a cache, less its price. Rates are in picodollars. */
function savings({ cells, rates, models, size }) {
  const byModel = models.map((_, model) => rates.filter((rate) => rate[0] === model));
  const out = new Float64Array(size);
  for (let i = 0; i < size; i += 1) {
    let now = null;
    for (const rate of byModel[cells.model[i]]) if (rate[1] <= cells.day[i]) now = rate;
    if (!now) continue;
    const [, , input, read, write5m, write1h] = now;
    out[i] = (cells.read[i] * (input - read) - cells.write5m[i] * (write5m - input) - cells.write1h[i] * (write1h - input)) / 1000;
  }
  return out;
}
