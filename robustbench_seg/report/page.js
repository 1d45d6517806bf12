"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const root = document.documentElement;
const say = (text) => { document.getElementById("status").textContent = text; };
root.classList.add("live");

// Tables: a button in every head; numbers begin with the highest, texts with A, and what is missing stays last.
for (const table of all("table.sortable")) {
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
      say(`sorted by ${button.textContent}, ${up ? "ascending" : "descending"}`);
    });
  });
}

// A box is a region, and a stop of the keyboard, only while it has more to scroll to.
const boxes = all(".scroll");
const mark = (box) => {
  const more = box.scrollWidth > box.clientWidth + 1;
  for (const [name, value] of [["role", "region"], ["tabindex", "0"], ["aria-label", box.dataset.name]]) {
    if (more) box.setAttribute(name, value);
    else box.removeAttribute(name);
  }
};
const watch = new ResizeObserver((entries) => entries.forEach((entry) => mark(entry.target)));
boxes.forEach((box) => watch.observe(box));

// The state of the bar: suite, view and runs, which the address keeps.
const suites = all(".suite");
const state = new URLSearchParams(location.hash.slice(1));
const current = () => suites.find((suite) => suite.id === state.get("suite")) ?? suites[0];
const apply = () => {
  root.classList.toggle("runs", state.get("runs") === "1");
  for (const suite of suites) {
    suite.classList.toggle("current", suite === current());
    const radios = all('input[name="view"]', suite);
    const radio = radios.find((one) => one.value === state.get("view")) ?? radios[0];
    if (radio) radio.checked = true;
    for (const view of all("details.view", suite)) view.open = view.dataset.view === radio?.value;
    for (const runs of all('input[name="runs"]', suite)) runs.checked = state.get("runs") === "1";
  }
  for (const tab of all(".tabs a")) {
    if (tab.hash === `#${current().id}`) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
};
const keep = (name, value) => {
  if (value) state.set(name, value);
  else state.delete(name);
  history.replaceState(null, "", `#${state}`);
  apply();
};
const go = (id) => {
  const target = document.getElementById(id);
  if (!target) return;
  if (target.closest(".suite") !== current()) keep("suite", target.closest(".suite")?.id);
  for (let one = target.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
  target.scrollIntoView();
  target.tabIndex = -1;
  target.focus({ preventScroll: true });
};
for (const link of all('a[href^="#s"]')) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    keep("at", link.hash.slice(1));
    go(link.hash.slice(1));
  });
}
for (const form of all(".choose")) {
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => {
    if (target.name === "find") find(form.closest(".suite"), target.value);
    else keep(target.name, target.type === "checkbox" ? (target.checked ? "1" : "") : target.value);
  });
}
const find = (suite, text) => {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (row) => words.every((word) => row.cells[0].textContent.toLowerCase().includes(word));
  const rows = all("table.sortable tbody tr", suite);
  for (const row of rows) row.classList.toggle("away", !fits(row));
  say(words.length ? `rows with ${text}` : "all rows");
};
addEventListener("hashchange", () => {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const name of ["suite", "view", "runs", "at"]) {
    if (given.has(name)) state.set(name, given.get(name));
    else state.delete(name);
  }
  apply();
  go(state.get("at") ?? location.hash.slice(1));
});
apply();
if (state.has("at")) go(state.get("at"));
else if (document.getElementById(location.hash.slice(1))) go(location.hash.slice(1));

// An arm under the pointer stands out in every figure of its suite.
for (const suite of suites) {
  const figures = all("[data-arm]", suite);
  const light = (arm) => figures.forEach((one) => one.classList.toggle("faded", Boolean(arm) && one.dataset.arm !== arm));
  suite.addEventListener("pointerover", ({ target }) => light(target.closest("[data-arm]")?.dataset.arm));
}

// Hashes are copied in full.
document.addEventListener("click", ({ target }) => {
  const text = target.closest("[data-copy]")?.dataset.copy;
  if (text) navigator.clipboard?.writeText(text).then(() => say("copied"));
});

// Galleries: one image under one condition at a time; the keyboard's arrows move through both.
for (const gallery of all(".gallery")) {
  const controls = gallery.querySelector(".controls");
  const [image, corruption, severity, mode] = ["image", "corruption", "severity", "mode"].map((name) => controls.elements[name]);
  const output = controls.querySelector("output");
  const scenes = all(".scene", gallery);
  const chosen = () => scenes.find((scene) => scene.dataset.image === image.value);
  const steps = () => {
    const series = all(".series", chosen()).find((one) => one.dataset.corruption === corruption.value);
    return [...all(":scope > .condition", chosen()), ...(series ? all(".condition", series) : [])];
  };
  const show = () => {
    const conditions = steps();
    severity.max = Math.max(0, conditions.length - 1);
    const shown = conditions[Number(severity.value)];
    for (const scene of scenes) scene.classList.toggle("current", scene === chosen());
    for (const one of all(".condition", gallery)) one.classList.toggle("current", one === shown);
    for (const one of all(".series", gallery)) one.classList.toggle("current", one.contains(shown ?? null));
    gallery.dataset.mode = mode.value;
    output.value = shown ? shown.dataset.name : "not in the store";
    severity.setAttribute("aria-valuetext", output.value);
  };
  for (const series of all(".series", gallery)) series.open = true;
  gallery.classList.add("live");
  controls.hidden = false;
  for (const kind of ["input", "change"]) controls.addEventListener(kind, show);
  controls.addEventListener("submit", (event) => event.preventDefault());
  severity.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    image.selectedIndex = (image.selectedIndex + step + image.length) % image.length;
    show();
  });
  severity.max = Math.max(0, steps().length - 1);
  severity.value = Math.ceil(severity.max / 2);
  show();
  // A corruption that is chosen in a figure is the gallery's too.
  gallery.closest(".suite").addEventListener("click", ({ target }) => {
    const name = target.closest("[data-corruption]:not(.series)")?.dataset.corruption;
    if (!name || ![...corruption.options].some((option) => option.value === name)) return;
    corruption.value = name;
    show();
    say(`gallery: ${name}`);
  });
}

// On paper nothing can be opened; views stay as they are chosen.
let opened = [];
addEventListener("beforeprint", () => {
  opened = all("details:not([open]):not(.view)");
  for (const one of opened) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of opened) one.open = false;
});
