// Puts a button into each header of a sortable table. Without it the tables are read as they are.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headers = [...table.tHead.rows[0].cells];
  const number = (text) => {
    const found = text.replace(/[,<]/g, "").replace("−", "-").match(/^[-+]?[\d.]+(e[-+]?\d+)?/);
    return found ? Number(found[0]) : NaN;
  };
  headers.forEach((header, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const falling = header.getAttribute("aria-sort") === "descending";
      const rising = header.getAttribute("aria-sort") === "ascending";
      const down = rising || (!falling && header.classList.contains("number"));
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => [row, row.cells[at].textContent]);
      const numeric = rows.every(([, text]) => /^[-+−<]?\d|^(—|)$/.test(text));
      rows.sort(([, a], [, b]) => {
        if (!numeric) return (down ? -1 : 1) * a.localeCompare(b);
        const [x, y] = [number(a), number(b)];
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        return (down ? -1 : 1) * (x - y);
      });
      body.append(...rows.map(([row]) => row));
    });
  });
}
addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((one) => one.setAttribute("open", ""));
});
