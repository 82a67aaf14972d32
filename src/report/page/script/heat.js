// The calendar, and the hours of the week.

const LEVELS = 5;

/** How dark a value is, from 0 for nothing; half of the highest is in the middle. */
function level(value, highest) {
  return value > 0 ? Math.min(LEVELS - 1, 1 + Math.floor(Math.sqrt(value / highest) * (LEVELS - 1))) : 0;
}

/** A square for each day of the period, a column for each week. */
function drawCalendar(view, data, state, open) {
  const metric = METRICS[state.metric];
  // More squares than three and a half years of days take long to lay out.
  const from = Math.max(state.from, state.to - 1300);
  const first = weekStart(from, data.week);
  const highest = Math.max(0, ...Array.from(view.days.values(), metric.of));
  const weeks = Math.floor((state.to - first) / 7) + 1;
  const size = Math.min(24, Math.max(14, Math.floor((byId("calendar").clientWidth - 36) / weeks)));
  const svg = make("svg", { role: "img", "aria-labelledby": "calendar-title", width: Math.max(weeks * size + 2, 80), height: 7 * size + 18 });
  for (let day = from; day <= state.to; day += 1) {
    const column = Math.floor((day - first) / 7);
    const place = { x: column * size, y: 18 + ((day - first) % 7) * size };
    const sum = view.days.get(day);
    svg.append(make("rect", { ...place, width: size - 2, height: size - 2, rx: 2, class: `heat-${level(sum ? metric.of(sum) : 0, highest)}`, "data-day": day }));
    const parts = dayParts(day);
    const begins = day === from && (parts.date < 8 || state.to - day < 21);
    if (parts.date === 1 || begins) monthName(svg, parts, place.x);
  }
  wireCalendar(svg, view, metric, open);
  const box = byId("calendar");
  box.replaceChildren(weekdayNames(data.week, size), svg);
  box.scrollLeft = box.scrollWidth;
  const rows = Array.from(view.days, ([day, sum]) => [dayText(day), price(sum), whole(sum.tokens), whole(sum.requests)]);
  fillTable("calendar-table", ["Day", "Cost", "Tokens", "Requests"], rows);
}

/** The names beside the calendar, which stay in place where it scrolls. */
function weekdayNames(firstOfWeek, size) {
  const svg = make("svg", { class: "names", "aria-hidden": "true", width: 32, height: 7 * size + 18 });
  for (let day = 0; day < 7; day += 2) {
    svg.append(make("text", { x: 0, y: 18 + day * size + size / 2 + 3 }, WEEKDAYS[(day + firstOfWeek) % 7]));
  }
  return svg;
}

/** Names a month above its first week, where the name before it leaves room. */
function monthName(svg, parts, x) {
  const names = svg.querySelectorAll("text.month");
  const last = names[names.length - 1];
  if (last && x - Number(last.getAttribute("x")) < 30) return;
  const name = parts.month === 0 || !last ? `${MONTHS[parts.month]} ${parts.year}` : MONTHS[parts.month];
  if (last && x - Number(last.getAttribute("x")) < 62 && /\d/.test(last.textContent)) return;
  svg.append(make("text", { x, y: 10, class: "month" }, name));
}

function wireCalendar(svg, view, metric, open) {
  const dayOf = (event) => (event.target.dataset.day === undefined ? null : Number(event.target.dataset.day));
  svg.addEventListener("pointerleave", hideTip);
  svg.addEventListener("pointermove", (event) => {
    const day = dayOf(event);
    if (day === null) return hideTip();
    const sum = view.days.get(day) ?? emptySum();
    showTip(event, longDay(day), [["Cost", price(sum)], ["Tokens", whole(sum.tokens)], ["Requests", whole(sum.requests)]]);
  });
  svg.addEventListener("click", (event) => {
    if (dayOf(event) !== null) open(dayOf(event));
  });
}

/** A table of the days of the week by the hours of the day. */
function drawHours(view, data, state) {
  const metric = METRICS[state.metric];
  const highest = Math.max(...view.hours);
  const head = make("tr", {}, make("td"), ...Array.from({ length: 24 }, (_, hour) => make("th", { scope: "col" }, hour % 3 === 0 ? String(hour) : make("span", { class: "unseen" }, String(hour)))));
  const rows = Array.from({ length: 7 }, (_, row) => {
    const day = (row + data.week) % 7;
    const cells = Array.from({ length: 24 }, (_, hour) => {
      const value = view.hours[day * 24 + hour];
      const tip = [[METRICS[state.metric].name, metric.exact(value)]];
      const name = `${WEEKDAYS[day]}, ${String(hour).padStart(2, "0")}:00 to ${String((hour + 1) % 24).padStart(2, "0")}:00`;
      return make("td", { class: `heat-${level(value, highest)}`, onpointermove: (event) => showTip(event, name, tip), onpointerleave: hideTip }, make("span", { class: "unseen" }, metric.exact(value)));
    });
    return make("tr", {}, make("th", { scope: "row" }, WEEKDAYS[day]), ...cells);
  });
  byId("hours").replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
  const without = view.timeless > 0 ? `${metric.exact(view.timeless)} without a known hour: ${data.left.hoursSince === null ? "pruned or imported" : `before ${dayText(data.left.hoursSince)}, pruned or imported`}.` : "";
  byId("timeless").textContent = without;
}
