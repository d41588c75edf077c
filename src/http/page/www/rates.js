// The numbers of the whole daemon, and the requests of the last two minutes as a curve.

import { byId, rate, write } from "./dom.js";

const SECONDS = 120;
const HEIGHT = 32;

export class Rates {
  #requests = 0;
  #curve = new Array(SECONDS).fill(0);

  constructor() {
    this.#draw();
  }

  set(numbers) {
    this.#requests = numbers.requests;
    write(byId("requests"), rate(numbers.requests));
    write(byId("errors"), rate(numbers.errors));
    byId("errors").dataset.mood = numbers.errors > 0 ? "bad" : "good";
    write(byId("in-flight"), String(numbers.in_flight));
  }

  /** A second has passed. */
  tick() {
    this.#curve.shift();
    this.#curve.push(this.#requests);
    this.#draw();
  }

  #draw() {
    const most = Math.max(1, ...this.#curve);
    const y = (value) => (HEIGHT - 1 - (value / most) * (HEIGHT - 3)).toFixed(1);
    const line = this.#curve.map((value, x) => `${x ? "L" : "M"}${x} ${y(value)}`).join("");
    const [area, curve] = byId("spark").querySelectorAll("path");
    curve.setAttribute("d", line);
    area.setAttribute("d", `${line}L${SECONDS - 1} ${HEIGHT}L0 ${HEIGHT}Z`);
  }
}
