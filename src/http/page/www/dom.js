// Elements of the page. Text comes from plugins and callers: it is only ever set as text.

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** A new element with these attributes and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Sets the text of an element, if it is another one. */
export function write(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** Shows or hides an element. */
export function show(element, isShown) {
  if (element.hidden === isShown) {
    element.hidden = !isShown;
  }
}

/** Shows a state: a dot in the color of its mood (good, bad, busy, warn, idle), and its word. */
export function setState(element, mood, word) {
  if (element.dataset.mood !== mood) {
    element.dataset.mood = mood;
  }
  write(element.querySelector(".word"), word);
}

/** A new element for a state. */
export function makeState(tag = "span") {
  const dot = make("span", { class: "dot", "aria-hidden": "true" });
  return make(tag, { class: "state" }, dot, make("span", { class: "word" }));
}

/**
 * Elements in a parent, one for each item, in their order. Those of items that stay are kept, with their focus.
 *
 * `create` returns the element of an item; `update(element, item)` draws it.
 */
export class Elements {
  #parent;
  #create;
  #update;
  #byKey = new Map();

  constructor(parent, create, update) {
    this.#parent = parent;
    this.#create = create;
    this.#update = update;
  }

  /** Draws the items, each of which has a `key`; `first` is the element that stays in front of them. */
  draw(items, first = null) {
    const keys = new Set(items.map((item) => item.key));
    for (const [key, element] of this.#byKey) {
      if (!keys.has(key)) {
        element.remove();
        this.#byKey.delete(key);
      }
    }
    let before = first;
    for (const item of items) {
      let element = this.#byKey.get(item.key);
      if (!element) {
        element = this.#create(item);
        this.#byKey.set(item.key, element);
      }
      this.#update(element, item);
      const place = before ? before.nextSibling : this.#parent.firstChild;
      if (place !== element) {
        this.#parent.insertBefore(element, place);
      }
      before = element;
    }
  }
}

/** A duration: `3.2 ms`, `1.5 s`, `2 min 5 s`, `3 h 12 min`. */
export function duration(millis) {
  const seconds = Math.floor(millis / 1000);
  if (millis < 1000) {
    return `${millis < 10 ? millis.toFixed(1) : Math.round(millis)} ms`;
  }
  if (seconds < 60) {
    return `${(millis / 1000).toFixed(1)} s`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  }
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** A rate, with a digit behind the point if it is small. */
export function rate(perSecond) {
  return perSecond < 100 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString("en");
}

/** The time of a day: `14:03:07`. */
export function clock(millis) {
  const time = new Date(millis);
  const digits = (number) => String(number).padStart(2, "0");
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(digits).join(":");
}
