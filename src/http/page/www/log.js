// The log, with its filter.

import { byId, clock, make, show, write } from "./dom.js";

/** How many lines are kept. */
const KEPT = 1000;
const LEVELS = { TRACE: 0, DEBUG: 0, INFO: 1, WARN: 2, ERROR: 3 };
/** What has a place of its own in a line. */
const OWN = new Set(["timestamp", "level", "message", "plugin", "exception"]);

/** The level of a record, from 0 to 3. */
const levelOf = (record) => LEVELS[record.level] ?? 1;

const textOf = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** True if a text has all words, whatever their case. */
export function hasAll(text, words) {
  return words.every((word) => text.includes(word));
}

export class Log {
  #list = byId("lines");
  #text = byId("filter-text");
  #level = byId("filter-level");
  #plugin = byId("filter-plugin");
  /** `{record, text, element}`, the latest last. */
  #lines = [];

  constructor() {
    for (const field of [this.#text, this.#level, this.#plugin]) {
      field.addEventListener("input", () => this.#filter());
    }
    byId("filter").addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("keydown", (event) => this.#key(event));
    this.#filter();
  }

  clear() {
    this.#lines = [];
    this.#list.replaceChildren();
    this.#filter();
  }

  add({ lines, is_cut: isCut }) {
    const list = this.#list;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const added = lines.map(makeLine);
    if (isCut) {
      added.unshift(makeLine({ message: "… lines are missing here: too many at once" }));
    }
    list.append(...added.map((line) => line.element));
    this.#lines.push(...added);
    for (const line of this.#lines.splice(0, Math.max(0, this.#lines.length - KEPT))) {
      line.element.remove();
    }
    this.#filter();
    if (isAtEnd) {
      list.scrollTop = list.scrollHeight;
    }
  }

  /** Sets the plugins to choose from; the choice stays. */
  setPlugins(names) {
    const options = [...this.#plugin.options].slice(1).map((option) => option.value);
    const wanted = [...new Set([...names, ...[this.#plugin.value].filter(Boolean)])].sort();
    if (options.join("\n") !== wanted.join("\n")) {
      const chosen = this.#plugin.value;
      const made = wanted.map((name) => make("option", { value: name }, name));
      this.#plugin.replaceChildren(this.#plugin.options[0], ...made);
      this.#plugin.value = chosen;
    }
  }

  #filter() {
    const words = this.#text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const level = Number(this.#level.value);
    const plugin = this.#plugin.value;
    let shown = 0;
    for (const { record, text, element } of this.#lines) {
      const fits = levelOf(record) >= level && (!plugin || record.plugin === plugin) && hasAll(text, words);
      show(element, fits);
      shown += Number(fits);
    }
    write(byId("filter-count"), `${shown} of ${this.#lines.length} lines`);
    show(byId("no-lines"), shown === 0);
    show(this.#list, shown > 0);
  }

  #key(event) {
    const isTyping = event.target.matches("input, select, textarea");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      this.#text.focus();
    } else if (event.key === "Escape" && byId("filter").contains(event.target)) {
      this.#text.value = "";
      this.#level.value = "0";
      this.#plugin.value = "";
      this.#filter();
    }
  }
}

function makeLine(record) {
  const rest = Object.entries(record).filter(([name]) => !OWN.has(name));
  const fields = rest.map(([name, value]) => `${name}=${textOf(value)}`).join(" ");
  const children = [];
  const add = (name, text) => text && children.push(make("span", { class: name }, text), " ");
  add("time", record.timestamp ? clock(Date.parse(record.timestamp)) : "");
  add("level", record.level ?? "");
  add("plugin", record.plugin ?? "");
  add("message", record.message ?? "");
  add("fields", fields);
  if (record.exception) {
    children.push(make("pre", {}, record.exception));
  }
  const element = make("li", { "data-level": String(levelOf(record)) }, ...children);
  return { record, text: element.textContent.toLowerCase(), element };
}
