// Bars of a period: which days each stands for, and its name.

/** The first day of the week of a day. */
function weekStart(day, first) {
  return day - ((weekday(day) - first + 7) % 7);
}

function monthStart(day) {
  return day - dayParts(day).date + 1;
}

/** The bars of a kind from one day to another: their first and last days, cut to the period, and `at`, the bar of each day. */
function makeBuckets(data, { from, to }, kind) {
  if (kind === "hour") return hourBuckets(data, from, to);
  const startOf = { day: (day) => day, week: (day) => weekStart(day, data.week), month: monthStart }[kind];
  const list = [];
  const at = new Int32Array(to - from + 1);
  for (let day = from; day <= to; day += 1) {
    const start = startOf(day);
    if (list.length === 0 || list[list.length - 1].start !== start) list.push({ start, from: day, to: day });
    list[list.length - 1].to = day;
    at[day - from] = list.length - 1;
  }
  for (const one of list) Object.assign(one, bucketNames(one, kind));
  return { kind, list, find: (day) => at[day - from] };
}

function hourBuckets(data, from, to) {
  const { day: days, hour: hours } = data.cells;
  const timeless = hours.subarray(lowerBound(days, from), lowerBound(days, to + 1)).includes(NO_HOUR);
  const each = timeless ? NO_HOUR + 1 : NO_HOUR;
  const list = [];
  for (let day = from; day <= to; day += 1) {
    for (let hour = 0; hour < each; hour += 1) {
      const time = hour === NO_HOUR ? "no time" : `${String(hour).padStart(2, "0")}:00`;
      list.push({ from: day, to: day, hour, name: `${dayText(day)} ${time}`, long: `${longDay(day)}, ${time}`, tick: hour === NO_HOUR ? "?" : time });
    }
  }
  return { kind: "hour", list, find: (day, hour) => (day - from) * each + hour };
}

/** A bar's name as in reports, in words, and below the axis. */
function bucketNames({ start, from, to }, kind) {
  const parts = dayParts(from);
  if (kind === "month") {
    const name = dayText(start).slice(0, 7);
    return { name, long: periodText(from, to), tick: parts.month === 0 ? String(parts.year) : MONTHS[parts.month] };
  }
  const tick = `${parts.date} ${MONTHS[parts.month]}`;
  const name = dayText(start);
  return kind === "week" ? { name, long: `Week of ${name}: ${periodText(from, to)}`, tick } : { name, long: longDay(from), tick };
}
