// Calls under way, and those that have ended.

import { byId, clock, duration, Elements, make, makeState, setState, show, write } from "./dom.js";

/** How many calls that have ended are shown. */
const SHOWN = 100;

/** An outcome: mood and word. */
export function outcomeOf(outcome) {
  if (outcome === "cancelled") {
    return ["warn", "cancelled"];
  }
  const { status } = outcome;
  if (status >= 500) {
    return ["bad", `failed, ${status}`];
  }
  return status >= 400 ? ["warn", `refused, ${status}`] : ["good", `ok, ${status}`];
}

const PLACES = { http: "HTTP", shell: "shell", agent: "agent" };

export class Calls {
  #ended = [];
  #underWay = [];
  #endedRows = new Elements(byId("recent"), createEnded, () => {});
  #underWayRows = new Elements(byId("under-way"), createUnderWay, updateUnderWay);

  clear() {
    this.add({ ended: [], under_way: [], is_sample: false }, true);
  }

  add(look, isNew = false) {
    const added = look.ended.map((call) => ({ ...call, key: call.number })).reverse();
    this.#ended = isNew ? [] : [...added, ...this.#ended].slice(0, SHOWN);
    this.#underWay = look.under_way;
    this.#endedRows.draw(this.#ended);
    setEmpty("recent", this.#ended.length === 0);
    show(byId("sample"), look.is_sample);
    this.tick();
  }

  /** Draws how long calls have been under way. */
  tick() {
    this.#underWayRows.draw(this.#underWay);
    setEmpty("under-way", this.#underWay.length === 0);
  }
}

/** Shows a table, or the line in its place. */
function setEmpty(id, isEmpty) {
  show(byId(id).closest("table"), !isEmpty);
  show(byId(`none-${id}`), isEmpty);
}

const plugin = (call) => call.plugin || "daemon";

function createEnded(call) {
  const outcome = makeState();
  setState(outcome, ...outcomeOf(call.outcome));
  return make(
    "tr",
    {},
    make("td", { class: "wide time" }, clock(call.began)),
    make("td", { class: "wide" }, plugin(call)),
    make("td", { class: "call" }, call.name),
    make("td", { class: "wide" }, PLACES[call.face]),
    make("td", { class: "number" }, duration(call.millis)),
    make("td", { class: "outcome" }, outcome),
    make("td", { class: "wide id" }, call.request),
  );
}

function createUnderWay(call) {
  return make(
    "tr",
    {},
    make("td", { class: "wide" }, plugin(call)),
    make("td", { class: "call" }),
    make("td", { class: "wide" }, PLACES[call.face]),
    make("td", { class: "number" }),
    make("td", { class: "wide id" }, call.request),
  );
}

function updateUnderWay(row, call) {
  write(row.querySelector(".call"), call.name);
  write(row.querySelector(".number"), duration(Math.max(0, Date.now() - call.began)));
}
