// Asks before anything is done. The browser keeps the focus inside and closes on Escape, but not
// while the answer to a yes is waited for.

import { byId, say, show } from "./dom.js";

const dialog = byId("ask");

// Calls `run({reason, all})` on yes, and closes when that is done; what it throws is said, and the
// dialog stays. The focus goes back to where it was.
export function confirm({
  title,
  text,
  yes,
  isDangerous = false,
  hasAll = false,
  reason = "",
  run,
}) {
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-yes").textContent = yes;
  byId("ask-yes").className = isDangerous ? "danger" : "";
  byId("ask-reason").value = reason;
  byId("ask-all").checked = false;
  show(byId("ask-all-field"), hasAll);
  say(byId("ask-error"), "");
  const before = document.activeElement;
  const leave = new AbortController();
  let isBusy = false;
  const busy = (now) => {
    isBusy = now;
    for (const name of ["ask-yes", "ask-no"]) byId(name).disabled = now;
  };
  // A browser may close it nonetheless; then the dialog is another's.
  const ifOpen = (work) => leave.signal.aborted || work();
  byId("ask-no").addEventListener("click", () => dialog.close(), { signal: leave.signal });
  dialog.querySelector("form").addEventListener(
    "submit",
    async (event) => {
      event.preventDefault();
      busy(true);
      try {
        await run({ reason: byId("ask-reason").value, all: byId("ask-all").checked });
        ifOpen(() => dialog.close());
      } catch (error) {
        ifOpen(() => say(byId("ask-error"), error.message));
      } finally {
        ifOpen(() => busy(false));
      }
    },
    { signal: leave.signal },
  );
  dialog.addEventListener("cancel", (event) => isBusy && event.preventDefault(), {
    signal: leave.signal,
  });
  dialog.addEventListener(
    "close",
    () => {
      busy(false);
      leave.abort();
      (before?.isConnected && !before.hidden ? before : byId("main")).focus();
    },
    { once: true },
  );
  dialog.showModal();
  // Enter must not do what was not read.
  byId(isDangerous ? "ask-no" : "ask-yes").focus();
}
