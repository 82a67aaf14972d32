// Light and dark: the system's choice, or the reader's.

const PARTS = 9;

/** The colors that charts are painted with now. */
function colors() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: get("ink"),
    quiet: get("quiet"),
    line: get("line"),
    other: get("other"),
    parts: Array.from({ length: PARTS }, (_, i) => get(`part-${i}`)),
  };
}

function storedTheme() {
  try {
    return localStorage.getItem("claude-usage-theme") ?? "auto";
  } catch {
    return "auto";
  }
}

function setTheme(theme, redraw) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("claude-usage-theme", theme);
  } catch {
    // A browser may keep nothing for a file: the choice then lasts as long as the page.
  }
  fillChoice("theme", [["auto", "Auto"], ["light", "Light"], ["dark", "Dark"]], theme, (next) => setTheme(next, redraw));
  redraw();
}

/** Follows the system, and prints in light colors. */
function watchTheme(redraw) {
  setTheme(new URLSearchParams(location.search).get("theme") ?? storedTheme(), redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  matchMedia("print").addEventListener("change", redraw);
  addEventListener("beforeprint", redraw);
  addEventListener("afterprint", redraw);
}

/** The members of a dimension that have a color of their own: those that are on and highest in the view. */
function coloredParts(view, data, state) {
  const of = METRICS[state.metric].of;
  const sums = view.facets[state.by];
  const on = data.ranks[state.by].filter((i) => state.on[state.by][i] && (sums[i].requests > 0 || sums[i].tokens > 0));
  on.sort((a, b) => of(sums[b]) - of(sums[a]));
  const own = on.length > PARTS ? on.slice(0, PARTS - 1) : on;
  return { own, more: on.length - own.length, place: new Map(own.map((part, i) => [part, i])) };
}
