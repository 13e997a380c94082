// Tables are sorted by a click on a title, or on a narrow screen by a list above the table.

const FACTORS = { n: 1e-9, µ: 1e-6, m: 1e-3, "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** Returns what a cell is sorted by: a number with its prefix, or a text; `null` for no value. */
function sortKey(cell, numeric) {
  const text = cell.querySelector("span").firstChild.textContent.trim();
  if (text === "-") return null;
  if (!numeric) return text;
  const parts = text.match(/([+-]?[\d,]*\.?\d+(?:e[+-]?\d+)?)\s*([nµmkMGT]?)/);
  return parts ? Number(parts[1].replaceAll(",", "")) * FACTORS[parts[2]] : null;
}

/** Sorts by a column; once more, in the other direction. Cells without a value stay last. */
function sortBy(table, column) {
  const headers = [...table.tHead.rows[0].cells];
  const descending = headers[column].getAttribute("aria-sort") === "ascending";
  headers.forEach((header) => header.removeAttribute("aria-sort"));
  headers[column].setAttribute("aria-sort", descending ? "descending" : "ascending");
  const numeric = headers[column].classList.contains("number");
  const keyed = [...table.tBodies[0].rows].map((row) => [sortKey(row.cells[column], numeric), row]);
  keyed.sort(([a], [b]) => {
    if (a === null || b === null) return ascending(a, b);
    const order = numeric ? a - b : a.localeCompare(b, "en", { numeric: true });
    return descending ? -order : order;
  });
  table.tBodies[0].append(...keyed.map(([, row]) => row));
}

function makeSortable(table) {
  const headers = [...table.tHead.rows[0].cells];
  const list = element("select", {}, element("option", { value: "" }, "..."));
  list.append(...headers.map((header, column) => element("option", { value: column }, header.textContent)));
  list.addEventListener("change", () => list.value && sortBy(table, Number(list.value)));
  table.before(element("label", { class: "sort-by" }, "Sort by ", list));
  headers.forEach((header, column) => {
    const button = element("button", { type: "button" }, ...header.childNodes);
    button.addEventListener("click", () => sortBy(table, column));
    header.append(button);
  });
}

for (const table of document.querySelectorAll("main table")) {
  if (table.tHead && table.tBodies[0].rows.length > 1) makeSortable(table);
}
