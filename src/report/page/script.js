"use strict";
const table = document.getElementById("sessions");
if (table) {
  const body = table.tBodies[0];
  const heads = Array.from(table.tHead.rows[0].cells);
  const filter = document.getElementById("filter");
  const status = document.getElementById("shown");
  const all = document.getElementById("all");
  const number = new Intl.NumberFormat("en-US");
  const collator = new Intl.Collator();
  const rows = Array.from(body.rows, (row) => ({ row, cost: Number(row.dataset.cost), text: row.textContent.toLowerCase() }));
  // To lay out thousands of rows takes seconds.
  let limit = 250;
  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    let cost = 0;
    for (const one of rows) {
      const matches = words.every((word) => one.text.includes(word));
      one.row.hidden = !matches || found >= limit;
      if (matches) {
        found += 1;
        cost += one.cost;
      }
    }
    const first = found > limit ? `, the first ${number.format(limit)} shown` : "";
    status.textContent = `${number.format(found)} of ${number.format(rows.length)} sessions, $${(cost / 1e6).toFixed(2)}${first}`;
    all.hidden = found <= limit;
    table.classList.add("ready");
  };
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const numeric = head.classList.contains("number");
      const now = head.getAttribute("aria-sort");
      const order = now === "none" ? (numeric ? "descending" : "ascending") : now === "ascending" ? "descending" : "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", other === head ? order : "none"));
      const sign = order === "ascending" ? 1 : -1;
      const compare = numeric ? (a, b) => a - b : collator.compare;
      rows.forEach((one) => (one.key = value(one.row, column)));
      rows.sort((a, b) => sign * compare(a.key, b.key));
      const sorted = document.createDocumentFragment();
      rows.forEach((one) => sorted.append(one.row));
      body.append(sorted);
      show();
    });
  });
  filter.addEventListener("input", show);
  all.addEventListener("click", () => {
    limit = Infinity;
    show();
  });
  show();
}
