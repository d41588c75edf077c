// The commands of the plugins, with links into Swagger UI.

import { make, show, write } from "./dom.js";

/** Where Swagger UI shows an operation. */
export function link([tag, operation]) {
  return `/docs#/${encodeURIComponent(tag)}/${encodeURIComponent(operation)}`;
}

class OfPlugin {
  #commands;

  constructor(commands) {
    this.#commands = commands;
  }

  /** Draws the commands in a `details`, once for each version of them. */
  drawIn(details, path) {
    const count = this.#commands.length;
    show(details, count > 0);
    write(details.querySelector("summary"), `${count} command${count === 1 ? "" : "s"}`);
    details.querySelector("summary").title = path;
    if (details.commands !== this.#commands) {
      details.commands = this.#commands;
      details.querySelector("ul").replaceChildren(...this.#commands.map(item));
    }
  }
}

function item(command) {
  const name = command.operation
    ? make("a", { href: link(command.operation), title: "Try it out in Swagger UI" }, command.name)
    : make("span", { title: "It runs at a terminal only" }, command.name);
  const route = make("code", {}, `${command.method} ${command.path}`);
  const children = [name, route];
  if (command.summary) {
    children.push(make("span", { class: "muted" }, command.summary));
  }
  return make("li", {}, ...children);
}

const NONE = new OfPlugin([]);

/** The commands of all plugins, by the plugin's id. */
export class Commands {
  #byId = new Map();

  clear() {
    this.#byId.clear();
  }

  set(id, commands) {
    this.#byId.set(id, new OfPlugin(commands));
  }

  of(id) {
    return this.#byId.get(id) ?? NONE;
  }
}
