"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const root = document.documentElement;
const say = (text) => { document.getElementById("status").textContent = text; };
const make = (tag, fields = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), fields);
  element.append(...children);
  return element;
};
root.classList.add("live");

// Tables: a button in every head; numbers begin with the highest, texts with A, and what is missing stays last.
const textOf = (cell) => cell.firstChild?.textContent.trim() ?? "";
for (const table of all("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = make("button", { type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const key = ({ cells: { [column]: cell } }) => cell.dataset.key ?? textOf(cell).replace(/^–.*/, "");
      const number = (row) => Number(key(row).replace(/^[<≤]|[ *†()]+$/g, ""));
      const filled = [...body.rows].filter((row) => key(row) !== "");
      const empty = [...body.rows].filter((row) => key(row) === "");
      const numbers = !head.classList.contains("left") && filled.every((row) => !Number.isNaN(number(row)));
      const before = head.getAttribute("aria-sort");
      const up = before ? before === "descending" : !numbers || head.textContent === "rank";
      const compare = numbers
        ? (a, b) => number(a) - number(b)
        : (a, b) => key(a).localeCompare(key(b), "en", { numeric: true });
      filled.sort((a, b) => (up ? compare(a, b) : compare(b, a)));
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      body.append(...filled, ...empty);
      say(`sorted by ${button.textContent}, ${up ? "ascending" : "descending"}`);
    });
  });
  if (table.closest("details.numbers[open]")) heads.find((head) => head.textContent === "rank")?.querySelector("button").click();
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

// What is chosen for the whole page, which the address keeps. Each part of the page below shows it in its way.
const STATE = ["suite", "view", "runs", "find", "family", "corruption", "model", "at"];
const suites = all(".suite");
const state = new URLSearchParams(location.hash.slice(1));
const current = () => suites.find((suite) => suite.id === state.get("suite")) ?? suites[0];
const shows = [];
const apply = () => {
  root.classList.toggle("runs", state.get("runs") === "1");
  for (const suite of suites) {
    suite.classList.toggle("current", suite === current());
    const radios = all('input[name="view"]', suite);
    const radio = radios.find((one) => one.value === state.get("view")) ?? radios[0];
    if (radio) radio.checked = true;
    for (const view of all("details.view", suite)) view.open = view.dataset.view === radio?.value;
    if (radio) for (const facts of all(".bar [data-view]", suite)) facts.hidden = facts.dataset.view !== radio.value;
    for (const runs of all('input[name="runs"]', suite)) runs.checked = state.get("runs") === "1";
  }
  for (const tab of all(".tabs a")) {
    if (tab.hash === `#${current().id}`) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  for (const show of shows) show();
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
  const choose = ({ target }) => keep(target.name, target.type === "checkbox" ? (target.checked ? "1" : "") : target.value);
  for (const kind of ["input", "change"]) form.addEventListener(kind, choose);
}

// Many models: those whose name has all words, and which are of the family; other rows and panels are folded away.
const nameOf = (row) => textOf(row.cells[0]).replace(/ ⚠$/, "");
const armOf = (name) => name.replace(/-s\d+$/, "");
for (const suite of suites) {
  const [find, family] = ["find", "family"].map((name) => suite.querySelector(`.choose [name="${name}"]`));
  if (!find) continue;
  const tables = all("table.sortable", suite).filter((table) => ["model", "arms"].includes(textOf(table.tHead.rows[0].cells[0])));
  const rows = tables.flatMap((table) => all("tbody tr", table));
  shows.push(() => {
    const words = (state.get("find") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    if (find !== document.activeElement) find.value = state.get("find") ?? "";
    if (family) family.value = state.get("family") ?? "";
    const chosen = family?.value;
    const members = new Set(rows.filter((row) => row.dataset.family === chosen).map(nameOf));
    const fits = (name) => words.every((word) => name.toLowerCase().includes(word));
    for (const row of rows) {
      const inside = !chosen || row.dataset.family === chosen || (!row.dataset.family && !members.has(nameOf(row)));
      row.classList.toggle("away", !(fits(nameOf(row)) && inside));
    }
    for (const panel of all("[data-family]:not(tr)", suite)) panel.classList.toggle("away", Boolean(chosen) && panel.dataset.family !== chosen);
    for (const one of all(".arms [data-arm]", suite)) one.classList.toggle("apart", !fits(one.dataset.arm));
    if (words.length || chosen) say(`models ${[chosen, ...words].filter(Boolean).join(", ")}`);
  });
}

// Corruptions by severity: the chosen panel is shown large, above its numbers.
const enlarge = (panel, factor) => {
  const copy = panel.cloneNode(true);
  const area = copy.querySelector("svg[preserveAspectRatio]");
  const [top, height] = ["y", "height"].map((name) => Number(area.getAttribute(name)));
  const place = (y) => Math.max(y, Math.min(top + (y - top) * factor, y + height * (factor - 1)));
  for (const one of all("[y]", copy)) {
    if (one === area) continue;
    const rise = one.tagName === "text" ? 4 : 0; // of a text that stands level with its place
    one.setAttribute("y", place(Number(one.getAttribute("y")) - rise) + rise);
  }
  for (const one of all("line", copy)) for (const name of ["y1", "y2"]) one.setAttribute(name, place(Number(one.getAttribute(name))));
  area.setAttribute("height", height * factor);
  copy.setAttribute("height", Number(copy.getAttribute("height")) + height * (factor - 1));
  return copy;
};
const numbersOf = (table, corruption, keys) => {
  const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
  const column = heads.indexOf("corruption");
  const keyOf = (row) => keys.get(nameOf(row)) ?? keys.get(armOf(nameOf(row)));
  const rows = [...table.tBodies[0].rows].filter((row) => textOf(row.cells[column]) === corruption);
  const without = (row) => {
    const copy = row.cloneNode(true);
    for (let k = 1; k < column; k++) copy.cells[k].classList.add("run");
    copy.cells[column].remove();
    copy.classList.remove("away");
    return copy;
  };
  const lines = rows.filter(keyOf).map(without);
  for (const line of lines) {
    const key = keyOf(line).cloneNode(true);
    if (!line.classList.contains("single")) line.cells[0].prepend(key, " ");
  }
  const head = make("tr");
  heads.forEach((text, k) => {
    const label = k > column + 1 ? text.replace("severity ", "") : text;
    const className = k === 0 ? "left" : k < column ? "left run" : "";
    if (k !== column) head.append(make("th", { scope: "col", className }, label));
  });
  return make("table", {}, make("caption", { className: "unseen" }, `mIoU in %, ${corruption}, by severity`), make("thead", {}, head), make("tbody", {}, ...lines));
};
for (const [number, grid] of all(".panels.small:has(> [data-corruption])").entries()) {
  const suite = grid.closest(".suite");
  const panels = all(":scope > svg.chart", grid);
  const keys = new Map(all(".legend [data-arm]", grid).map((one) => [one.dataset.arm, one.querySelector(".key")]));
  let table = grid.closest("figure");
  while (table && !(table.matches("details") && /^model.*corruption.*severity/s.test(table.querySelector("thead")?.textContent.trim() ?? ""))) table = table.nextElementSibling;
  table = table?.querySelector("table");
  const large = make("div", { className: "large" });
  const picks = make("div", { className: "picks" });
  picks.setAttribute("role", "radiogroup");
  picks.setAttribute("aria-label", "Corruption to show large");
  const radios = panels.map((panel) => {
    const name = panel.querySelector(".title").textContent;
    const radio = make("input", { type: "radio", name: `corruption${number}`, value: panel.dataset.corruption, className: "unseen", ariaLabel: name });
    radio.addEventListener("change", () => keep("corruption", radio.value));
    picks.append(make("label", {}, radio, panel));
    return radio;
  });
  grid.classList.replace("small", "chooser");
  grid.append(large, picks);
  shows.push(() => {
    const wanted = [state.get("corruption"), suite.dataset.contrast].find((one) => radios.some((radio) => radio.value === one));
    const k = Math.max(0, radios.findIndex((radio) => radio.value === wanted));
    if (large.dataset.corruption === radios[k].value) return;
    radios[k].checked = true;
    large.dataset.corruption = radios[k].value;
    const box = table && make("div", { className: "scroll" }, numbersOf(table, radios[k].ariaLabel, keys));
    if (box) box.dataset.name = `Numbers of ${radios[k].ariaLabel}`;
    large.replaceChildren(enlarge(panels[k], 2.4), ...(box ? [box] : []));
    if (box) watch.observe(box);
  });
}

// On a narrow screen, panels and maps that are of one model each are shown one at a time.
const groups = [...all(".panels:has(> svg[data-arm] + svg[data-arm])"), ...all(".gallery")];
for (const [number, group] of groups.entries()) {
  const ones = all(group.matches(".gallery") ? ".model" : ":scope > svg[data-arm]", group);
  const names = [...new Set(ones.map((one) => one.dataset.arm))];
  if (names.length < 2) continue;
  const tabs = make("fieldset", { className: "models" }, make("legend", { className: "unseen" }, "Model"));
  const radios = names.map((name) => {
    const radio = make("input", { type: "radio", name: `model${number}`, value: name });
    tabs.append(make("label", {}, radio, name));
    return radio;
  });
  tabs.addEventListener("change", ({ target }) => keep("model", target.value));
  if (group.matches(".gallery")) group.querySelector(".controls").after(tabs);
  else group.prepend(tabs);
  const nameIn = (head) => names.find((name) => head.textContent.startsWith(`${name}, `));
  const heads = all(".left ~ th", group.closest("figure")?.parentElement ?? group);
  const columns = heads.every((head) => nameIn(head) || !head.textContent.includes(", ")) ? heads : []; // else some have no tab
  shows.push(() => {
    const wanted = state.get("model") ?? "";
    const chosen = radios.find((radio) => radio.value === wanted)
      ?? radios.find((radio) => armOf(radio.value) === armOf(wanted)) ?? radios[0];
    chosen.checked = true;
    for (const one of ones) one.classList.toggle("other", one.dataset.arm !== chosen.value);
    for (const head of columns) {
      const arm = nameIn(head);
      if (arm) for (const row of head.closest("table").rows) row.cells[head.cellIndex].classList.toggle("other", arm !== chosen.value);
    }
  });
}

// An arm under the pointer stands out in every figure of its suite.
for (const suite of suites) {
  const figures = all("svg [data-arm], svg[data-arm], li[data-arm]", suite);
  const light = (arm) => figures.forEach((one) => one.classList.toggle("faded", Boolean(arm) && one.dataset.arm !== arm));
  suite.addEventListener("pointerover", ({ target }) => light(target.closest(".plot svg [data-arm], .plot li[data-arm]")?.dataset.arm));
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
    const own = new Set(all(".series", chosen()).map((one) => one.dataset.corruption));
    for (const option of corruption.options) option.disabled = own.size > 0 && !own.has(option.value);
    if (corruption.selectedOptions[0]?.disabled) corruption.value = [...own][0];
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
  corruption.addEventListener("change", () => keep("corruption", corruption.value));
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
  shows.push(() => {
    const wanted = state.get("corruption");
    if (corruption.value !== wanted && [...corruption.options].some((option) => option.value === wanted)) corruption.value = wanted;
    show();
  });
}

// A corruption that is chosen in a figure is chosen for the page.
for (const suite of suites) {
  suite.addEventListener("click", ({ target }) => {
    const name = target.closest("svg [data-corruption]")?.dataset.corruption;
    if (!name) return;
    keep("corruption", name);
    say(`corruption: ${name}`);
  });
}

addEventListener("hashchange", () => {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const name of STATE) {
    if (given.has(name)) state.set(name, given.get(name));
    else state.delete(name);
  }
  apply();
  go(state.get("at") ?? location.hash.slice(1));
});
apply();
if (state.has("at")) go(state.get("at"));
else if (document.getElementById(location.hash.slice(1))) go(location.hash.slice(1));

// On paper nothing can be opened; views stay as they are chosen.
let opened = [];
addEventListener("beforeprint", () => {
  opened = all("details:not([open]):not(.view)");
  for (const one of opened) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of opened) one.open = false;
});
