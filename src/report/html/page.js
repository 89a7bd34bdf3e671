"use strict";
(() => {
  const table = document.getElementById("table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const words = document.getElementById("words");
  const shown = document.getElementById("shown");
  // Thousands of rows are read when somebody filters, not when the page opens.
  let texts = null;
  const tell = (count) => { shown.textContent = `${count} of ${rows.length} rows`; };
  const filter = () => {
    texts ??= rows.map((row) => row.textContent.toLowerCase());
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, index) => {
      row.hidden = !wanted.every((word) => texts[index].includes(word));
      if (!row.hidden) count += 1;
    });
    tell(count);
  };
  words.addEventListener("input", filter);
  document.getElementById("filter").hidden = false;
  tell(rows.length);
  // The order of the page is that of urgency: by status it is kept as it is.
  const places = new Map(rows.map((row, index) => [row, index]));
  const key = (row, column) => {
    const cell = row.cells[column];
    if (column === 1) return places.get(row);
    if (cell.dataset.ms !== undefined) return Number(cell.dataset.ms);
    return column === 4 ? -1 : cell.textContent;
  };
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = rows.map((row) => [key(row, column), places.get(row), row]);
      keyed.sort(([a, i], [b, j]) => (a < b ? -1 : a > b ? 1 : i - j));
      if (down) keyed.reverse();
      body.append(...keyed.map(([, , row]) => row));
    });
  });
})();
