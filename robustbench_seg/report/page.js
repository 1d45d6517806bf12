"use strict";

// Tables: a button in every head; numbers begin with the highest, texts with A, and what is missing stays last.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const key = (row) => row.cells[column].dataset.key;
      const filled = [...body.rows].filter((row) => key(row) !== "");
      const empty = [...body.rows].filter((row) => key(row) === "");
      const numbers = filled.every((row) => !Number.isNaN(Number(key(row))));
      const before = head.getAttribute("aria-sort");
      const up = before ? before === "descending" : !numbers;
      const compare = numbers
        ? (a, b) => Number(key(a)) - Number(key(b))
        : (a, b) => key(a).localeCompare(key(b), "en", { numeric: true });
      filled.sort((a, b) => (up ? compare(a, b) : compare(b, a)));
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      body.append(...filled, ...empty);
    });
  });
}

// Galleries: one image under one condition at a time.
for (const gallery of document.querySelectorAll(".gallery")) {
  const controls = gallery.querySelector(".controls");
  const [image, corruption, severity] = ["image", "corruption", "severity"].map((name) => controls.elements[name]);
  const output = controls.querySelector("output");
  const scenes = [...gallery.querySelectorAll(".scene")];
  const chosen = () => scenes.find((scene) => scene.dataset.image === image.value);
  const steps = () => {
    const clean = chosen().querySelectorAll(":scope > .condition");
    const all = [...chosen().querySelectorAll(".series")];
    const series = all.find((one) => one.dataset.corruption === corruption.value);
    return [...clean, ...(series ? series.querySelectorAll(".condition") : [])];
  };
  const show = () => {
    const conditions = steps();
    severity.max = Math.max(0, conditions.length - 1);
    const current = conditions[Number(severity.value)];
    for (const scene of scenes) scene.classList.toggle("current", scene === chosen());
    for (const one of gallery.querySelectorAll(".condition")) one.classList.toggle("current", one === current);
    for (const one of gallery.querySelectorAll(".series")) one.classList.toggle("current", one.contains(current ?? null));
    output.value = current ? current.dataset.name : "not in the store";
    severity.setAttribute("aria-valuetext", output.value);
  };
  for (const series of gallery.querySelectorAll(".series")) series.open = true;
  gallery.classList.add("live");
  controls.hidden = false;
  controls.addEventListener("input", show);
  controls.addEventListener("submit", (event) => event.preventDefault());
  severity.max = Math.max(0, steps().length - 1);
  severity.value = Math.ceil(severity.max / 2);
  show();
}

// On paper nothing can be opened.
const closed = () => [...document.querySelectorAll("details:not([open])")];
let opened = [];
addEventListener("beforeprint", () => {
  opened = closed();
  for (const one of opened) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of opened) one.open = false;
});
