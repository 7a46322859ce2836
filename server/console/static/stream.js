// Server-sent events over fetch, which can send the token; opened again whenever they end.

import { Refused, ask } from "./api.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const SILENT_MS = 8_000;

// Calls `on[event](data)`, and `on.link(text)` with what the connection does, until `signal`.
export async function follow(path, on, signal) {
  let waitMs = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      await read(
        path,
        {
          ...on,
          begun: () => {
            waitMs = FIRST_WAIT_MS;
          },
        },
        signal,
      );
      on.link("the gateway ended the connection");
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && error.status === 401) {
        on.refused(error);
        return;
      }
      on.link(error instanceof Refused ? error.message : "the gateway does not answer");
    }
    await pause(waitMs * (0.75 + Math.random() / 2), signal);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

async function read(path, on, outer) {
  const silence = new AbortController();
  const signal = AbortSignal.any([outer, silence.signal]);
  let timer = setTimeout(() => silence.abort(), SILENT_MS);
  try {
    const answer = await ask(path, { signal });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let held = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENT_MS);
      const parts = (held + value).split("\n\n");
      held = parts.pop();
      for (const part of parts) tell(part, on);
      on.begun();
    }
  } finally {
    clearTimeout(timer);
  }
}

function tell(text, on) {
  const lines = text.split("\n");
  const field = (name) =>
    lines
      .filter((line) => line.startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2))
      .join("\n");
  on[field("event")]?.(JSON.parse(field("data")));
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
