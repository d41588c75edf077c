// The page: what comes from the daemon goes to the views.

import { Calls } from "./calls.js";
import { byId, duration, make, setState, show, write } from "./dom.js";
import { Log } from "./log.js";
import { Plugins } from "./plugins.js";
import { Rates } from "./rates.js";
import { follow } from "./stream.js";

const log = new Log();
const calls = new Calls();
const plugins = new Plugins();
const rates = new Rates();
calls.clear();

/** The daemon's first event, and when its process began, by this page's clock. */
let about = null;

function drawAbout() {
  if (about) {
    const up = duration(performance.now() - about.began);
    const { version, python, pid, port } = about.hello;
    write(byId("about"), `version ${version}, Python ${python}, process ${pid}, port ${port}, up ${up}`);
  }
}

function drawNotices(notices, change) {
  const texts = change ? [...notices, progress(change)] : notices;
  byId("notices").replaceChildren(...texts.map((text) => make("li", {}, text)));
  show(byId("notices"), texts.length > 0);
}

/** A change of packages in progress, in one line. */
function progress(change) {
  const { phase, step, done = 0, packages = [] } = change;
  const count = packages.length ? `, ${done} of ${packages.length}` : "";
  return `Packages are being changed: ${phase}${step ? ` (${step})` : ""}${count}`;
}

const on = {
  hello(hello) {
    about = { hello, began: performance.now() - hello.uptime_seconds * 1000 };
    drawAbout();
    log.clear();
    calls.clear();
    plugins.clear();
  },
  plugins(state) {
    plugins.draw(state);
    drawNotices(state.notices, state.change);
    log.setPlugins(state.plugins.map((plugin) => plugin.name));
  },
  commands: (commands) => plugins.setCommands(commands),
  numbers(numbers) {
    rates.set(numbers);
    plugins.setNumbers(numbers.plugins);
  },
  calls: (look) => calls.add(look),
  log: (event) => log.add(event),
};

setInterval(() => {
  drawAbout();
  rates.tick();
  calls.tick();
}, 1000);

follow(on, (mood, word) => {
  setState(byId("connection"), mood, word);
  document.body.dataset.live = String(mood === "good");
});
