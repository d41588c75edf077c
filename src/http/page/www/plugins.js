// The plugins: their states, reasons, rates and commands.

import { Commands } from "./commands.js";
import { byId, Elements, make, makeState, rate, setState, show, write } from "./dom.js";

const TITLE = document.title;
const COLUMNS = 7;

/** The state of a plugin: mood and word. */
export function stateOf(plugin) {
  const hasTrouble = plugin.detail || plugin.notices?.length || plugin.has_failing_task;
  switch (plugin.state) {
    case "ready":
      if (plugin.next) {
        return ["busy", `serving, ${plugin.next} its next version`];
      }
      if (plugin.failure) {
        return ["bad", "serving its last good version"];
      }
      return hasTrouble ? ["warn", "serving, with problems"] : ["good", "serving"];
    case "loading":
      return ["busy", plugin.stage ? `loading: ${plugin.stage}` : "loading"];
    case "failed":
      return ["bad", "failed"];
    default:
      return ["idle", "asleep"];
  }
}

/** True if a plugin, or its new version, does not serve. */
export const isBroken = (plugin) => stateOf(plugin)[0] === "bad";

/** What there is to say about the state, a paragraph each. */
function reasons(plugin) {
  if (plugin.state === "asleep") {
    return ["It is loaded at its first call."];
  }
  const of = [plugin.detail, plugin.hint];
  const tasks = (plugin.background ?? []).filter((task) => task.error);
  return [...of, ...(plugin.notices ?? []), ...tasks.map((task) => `task ${task.name}: ${task.error}`)].filter(Boolean);
}

export class Plugins {
  #table = byId("plugins").querySelector("table");
  #rows = new Elements(this.#table, create, update);
  #plugins = [];
  #numbers = {};
  /** The words of the states that were drawn last, by the plugin's id. */
  #words = new Map();
  #commands = new Commands();

  /** Forgets all: another process serves. */
  clear() {
    this.#numbers = {};
    this.#commands.clear();
  }

  draw(state) {
    this.#plugins = state.plugins;
    this.#announce();
    this.#draw();
    const broken = this.#plugins.filter(isBroken).length;
    write(byId("count-plugins"), String(this.#plugins.length));
    write(byId("count-broken"), String(broken));
    byId("count-broken").dataset.mood = broken ? "bad" : "good";
    document.title = broken ? `(${broken} broken) ${TITLE}` : TITLE;
    byId("icon").setAttribute("href", broken ? "/-/page/icon-broken.svg" : "/-/page/icon.svg");
    show(byId("no-plugins"), this.#plugins.length === 0);
    show(byId("switched-off"), state.switched_off.length > 0);
    write(byId("switched-off"), `Switched off in config.toml: ${state.switched_off.join(", ")}`);
  }

  setNumbers(numbers) {
    this.#numbers = numbers;
    this.#draw();
  }

  setCommands({ id, commands }) {
    this.#commands.set(id, commands);
    this.#draw();
  }

  #draw() {
    const items = this.#plugins.map((plugin) => ({
      key: plugin.id,
      plugin,
      numbers: this.#numbers[plugin.id],
      commands: this.#commands.of(plugin.id),
    }));
    this.#rows.draw(items, this.#table.tHead);
  }

  /** Says which states have changed, for those who do not see it. */
  #announce() {
    const changes = [];
    for (const plugin of this.#plugins) {
      const [mood, word] = stateOf(plugin);
      const before = this.#words.get(plugin.id);
      if (before !== undefined && before !== word && mood !== "busy") {
        changes.push(`${plugin.name}: ${word}`);
      }
      if (mood !== "busy" || before === undefined) {
        this.#words.set(plugin.id, word);
      }
    }
    if (changes.length > 0) {
      write(byId("announced"), changes.join("; "));
    }
  }
}

function create() {
  const cell = (name) => make("td", { class: name });
  const row = make(
    "tr",
    {},
    make("th", { scope: "row" }, make("span", { class: "name" }), make("span", { class: "version muted" })),
    make("td", {}, makeState()),
    cell("number wide requests"),
    cell("number wide errors"),
    cell("number wide median"),
    cell("number wide most"),
    cell("number wide total"),
  );
  const more = make(
    "td",
    { colspan: String(COLUMNS) },
    make("p", { class: "summary muted" }),
    make("p", { class: "narrow muted numbers" }),
    make("div", { class: "reasons" }),
    make("details", {}, make("summary"), make("ul", { class: "commands" })),
  );
  return make("tbody", {}, row, make("tr", { class: "more" }, more));
}

function update(body, { plugin, numbers, commands }) {
  const find = (selector) => body.querySelector(selector);
  const [mood, word] = stateOf(plugin);
  body.dataset.plugin = plugin.name;
  body.dataset.state = plugin.state;
  write(find(".name"), plugin.name);
  write(find(".version"), plugin.version ?? "");
  setState(find(".state"), mood, word);
  write(find(".summary"), plugin.summary ?? "");
  show(find(".summary"), Boolean(plugin.summary));
  const why = reasons(plugin);
  const text = why.join("\n");
  const reason = find(".reasons");
  if (reason.dataset.text !== text) {
    reason.dataset.text = text;
    reason.replaceChildren(...why.map((line) => make("p", {}, line)));
  }
  reason.dataset.mood = mood;
  const rates = numbers?.rates;
  const median = rates?.median ?? "–";
  const most = rates?.most ?? "–";
  write(find(".requests"), rates ? rate(rates.requests) : "–");
  write(find(".errors"), rates ? rate(rates.errors) : "–");
  write(find(".median"), median);
  write(find(".most"), most);
  write(find(".total"), numbers ? numbers.total.toLocaleString("en") : "–");
  const waiting = numbers?.waiting ? `, ${numbers.waiting} waiting` : "";
  const inAll = numbers ? `${numbers.total.toLocaleString("en")} request${numbers.total === 1 ? "" : "s"}${waiting}` : "";
  write(find(".numbers"), rates ? `${rate(rates.requests)}/s, p50 ${median}, p99 ${most}, ${inAll}` : inAll);
  commands.drawIn(find("details"), plugin.path);
}
