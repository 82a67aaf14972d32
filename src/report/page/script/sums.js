// One pass over the cells: all sums of a view.

function emptySum() {
  return { cost: 0, unknown: 0, tokens: 0, requests: 0, input: 0, output: 0, write: 0, read: 0, saved: 0 };
}

function addCell(sum, data, i) {
  const c = data.cells;
  const write = c.write5m[i] + c.write1h[i];
  sum.cost += c.cost[i];
  sum.unknown += c.unknown[i];
  sum.requests += c.requests[i];
  sum.input += c.input[i];
  sum.output += c.output[i];
  sum.write += write;
  sum.read += c.read[i];
  sum.tokens += c.input[i] + c.output[i] + write + c.read[i];
  sum.saved += data.saved[i];
}

/** The share of the prompt's tokens that came from the cache. */
function cacheShare(sum) {
  const prompt = sum.input + sum.write + sum.read;
  return prompt > 0 ? sum.read / prompt : null;
}

/** Which cells begin a day: the cells are sorted by day. */
function lowerBound(days, day) {
  let [low, high] = [0, days.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (days[middle] < day) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The sums of a view. A facet's figures are those with the facet's own switches left aside, so that what is off can be compared. */
function computeView(data, state) {
  const buckets = makeBuckets(data, state, bucketOf(state));
  const many = (list) => list.map(emptySum);
  const view = {
    buckets,
    total: emptySum(),
    bars: buckets.list.map(() => ({ sum: emptySum(), parts: new Map() })),
    facets: Object.fromEntries(DIMENSIONS.map((name) => [name, many(data.names[name])])),
    days: new Map(),
    hours: new Float64Array(7 * 24),
    timeless: 0,
    sessions: new Map(),
  };
  const { cells } = data;
  const end = lowerBound(cells.day, state.to + 1);
  for (let i = lowerBound(cells.day, state.from); i < end; i += 1) addToView(view, data, state, i);
  view.before = before(data, state);
  return view;
}

function addToView(view, data, state, i) {
  const { cells } = data;
  let failed = 0;
  let failing = null;
  for (const name of DIMENSIONS) {
    if (!state.on[name][cells[name][i]]) {
      failed += 1;
      failing = name;
    }
  }
  if (failed > 1) return;
  if (failed === 1) return void addCell(view.facets[failing][cells[failing][i]], data, i);
  for (const name of DIMENSIONS) addCell(view.facets[name][cells[name][i]], data, i);
  addCell(view.total, data, i);
  addToBar(view, data, state, i);
  addToTimes(view, data, state, i);
  addToSession(view, data, i);
}

function find(map, key, make) {
  let found = map.get(key);
  if (!found) map.set(key, (found = make()));
  return found;
}

function addToBar(view, data, state, i) {
  const { cells } = data;
  const bar = view.bars[view.buckets.find(cells.day[i], cells.hour[i])];
  addCell(bar.sum, data, i);
  addCell(find(bar.parts, cells[state.by][i], emptySum), data, i);
}

function addToTimes(view, data, state, i) {
  const { cells } = data;
  addCell(find(view.days, cells.day[i], emptySum), data, i);
  const value = state.metric === "cost" ? cells.cost[i] : state.metric === "requests" ? cells.requests[i] : cells.input[i] + cells.output[i] + cells.write5m[i] + cells.write1h[i] + cells.read[i];
  if (cells.hour[i] === NO_HOUR) view.timeless += value;
  else view.hours[weekday(cells.day[i]) * 24 + cells.hour[i]] += value;
}

function addToSession(view, data, i) {
  const { cells } = data;
  const make = () => ({ at: cells.session[i], sum: emptySum(), machines: new Set(), models: new Set(), project: cells.project[i] });
  const session = find(view.sessions, cells.session[i], make);
  addCell(session.sum, data, i);
  session.machines.add(cells.machine[i]);
  session.models.add(cells.model[i]);
}

/** The sum of as many days right before the period; null where the data does not reach that far back. */
function before(data, state) {
  const days = state.to - state.from + 1;
  if (data.first === null || state.from - days < data.first) return null;
  const sum = emptySum();
  const { cells } = data;
  const end = lowerBound(cells.day, state.from);
  for (let i = lowerBound(cells.day, state.from - days); i < end; i += 1) {
    if (DIMENSIONS.every((name) => state.on[name][cells[name][i]])) addCell(sum, data, i);
  }
  return sum;
}
