"use strict";
(() => {
  const table = document.querySelector("table.board");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const [search, licence, sound, complete, shown] = ["search", "licence", "sound", "complete", "shown"].map((id) => document.getElementById(id));

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let number = 0;
    for (const row of rows) {
      const fits = words.every((word) => texts.get(row).includes(word))
        && (!licence.value || row.dataset.licence === licence.value)
        && (!sound.checked || row.dataset.sound) && (!complete.checked || row.dataset.complete);
      row.hidden = !fits;
      number += fits;
    }
    shown.textContent = number === rows.length ? `${number} models` : `${number} of ${rows.length} models`;
  }

  function sort(head, column, kind) {
    const ascending = head.getAttribute("aria-sort") === "ascending" ? false
      : head.getAttribute("aria-sort") === "descending" ? true : kind === "text" || column === 0;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const key = (row) => row.cells[column].dataset.key;
    const compare = kind === "text" ? (a, b) => a.localeCompare(b) : (a, b) => a - b;
    // What is missing stays at the end, whatever the direction.
    body.append(...[...rows].sort((a, b) => {
      const [one, other] = [key(a), key(b)];
      if (one === "" || other === "") return (one === "") - (other === "");
      return ascending ? compare(one, other) : compare(other, one);
    }));
  }

  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (!head.dataset.sort) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => sort(head, column, head.dataset.sort));
  });
  for (const control of [search, licence, sound, complete]) control.addEventListener("input", filter);
  const controls = document.querySelector(".controls");
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.hidden = false;
  filter();
})();
