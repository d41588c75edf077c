// The connection to the daemon: server-sent events, and a new connection after a lost one.

const PATH = "/-/live";
/** A connection without any event for so long is dead: the daemon sends one every 5 seconds. */
const SILENCE = 15_000;
const PAUSE_MIN = 500;
const PAUSE_MAX = 10_000;

/** How the connection is: its mood and its word. */
const LIVE = ["good", "live"];
const CONNECTING = ["busy", "connecting"];
const LOST = ["bad", "connection lost, reconnecting"];
const IDLE = ["idle", "the daemon has stopped: it was idle. It starts with the next command; focus this page then"];

/** Splits a text of events into `[name, data]`; returns them and the rest. */
export function split(text) {
  const blocks = text.split("\n\n");
  const rest = blocks.pop();
  const events = blocks.map((block) => {
    let name = "message";
    const data = [];
    for (const line of block.split("\n")) {
      if (line.startsWith("event: ")) {
        name = line.slice(7);
      } else if (line.startsWith("data: ")) {
        data.push(line.slice(6));
      }
    }
    return [name, JSON.parse(data.join("\n"))];
  });
  return [events, rest];
}

/**
 * Calls `on[name](data)` for each event, and `onState(mood, word)` when the connection changes.
 *
 * It never ends. After an end for idleness it waits until the page is looked at: connecting might start the daemon.
 */
export async function follow(on, onState) {
  let pause = PAUSE_MIN;
  onState(...CONNECTING);
  for (;;) {
    let ended;
    try {
      ended = await read((name, data) => {
        if (name === "hello") {
          pause = PAUSE_MIN;
          onState(...LIVE);
        }
        on[name]?.(data);
      });
    } catch (error) {
      ended = error instanceof Refused ? error.message : "";
    }
    if (ended === "idle") {
      onState(...IDLE);
      await isLookedAt();
      onState(...CONNECTING);
      continue;
    }
    onState(...(ended ? ["warn", ended] : LOST));
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, PAUSE_MAX);
  }
}

/** The daemon did not serve the stream, and said why. */
class Refused extends Error {}

/** Reads one connection to its end; returns "idle" if the daemon ended for that, else "". */
async function read(on) {
  const control = new AbortController();
  let watchdog;
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => control.abort(), SILENCE);
  };
  alive();
  try {
    const response = await fetch(PATH, { signal: control.signal, headers: { accept: "text/event-stream" } });
    if (!response.ok) {
      const failure = await response.json();
      throw new Refused([failure.error, failure.hint].filter(Boolean).join(". "));
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    let reason = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return reason === "idle" ? "idle" : "";
      }
      alive();
      const [events, rest] = split(text + value);
      text = rest;
      for (const [name, data] of events) {
        if (name === "end") {
          reason = data.reason;
        }
        on(name, data);
      }
    }
  } finally {
    clearTimeout(watchdog);
    control.abort();
  }
}

/** Resolves when the page is looked at again. */
function isLookedAt() {
  return new Promise((resolve) => {
    const come = () => {
      if (document.visibilityState === "visible") {
        window.removeEventListener("focus", come);
        document.removeEventListener("visibilitychange", come);
        resolve();
      }
    };
    window.addEventListener("focus", come);
    document.addEventListener("visibilitychange", come);
  });
}
