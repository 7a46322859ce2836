// The last minute of this gateway, all of its workers together.

import { bar, shares, sparkline } from "./charts.js";
import { h } from "./dom.js";
import { count, figure, ms, percent, perSecond, span } from "./format.js";

const HELD = 300;

// Figures of the last five minutes, as long as this page has been open.
export class Recent {
  #requests = [];
  #p99 = [];

  add(latest) {
    this.#requests.push(latest.requests_per_s);
    this.#p99.push(latest.p99_ms);
    if (this.#requests.length > HELD) {
      this.#requests.shift();
      this.#p99.shift();
    }
  }

  // A connection that was away leaves a gap.
  gap() {
    if (this.#p99.at(-1) !== null) {
      this.#requests.push(null);
      this.#p99.push(null);
    }
  }

  get requests() {
    return this.#requests;
  }
  get p99() {
    return this.#p99;
  }
}

export function live(figures, status, recent) {
  return [
    h("h2", { id: "live-title" }, "Live"),
    h("p", { class: "note" }, heading(figures, status)),
    h(
      "div",
      { class: "tiles" },
      tile(
        "Requests",
        perSecond(figures.requests_per_s),
        `${count(figures.candidates_per_s)} candidates/s`,
        sparkline(
          recent.requests,
          `Requests a second, now ${figure(figures.latest.requests_per_s)}`,
        ),
      ),
      tile(
        "Latency p99",
        figures.latest.p99_ms === null ? "–" : `${ms(figures.latest.p99_ms)} ms`,
        "of the last 5 s",
        sparkline(recent.p99, `99th percentile of latency, now ${ms(figures.latest.p99_ms)} ms`, {
          name: "second",
        }),
      ),
      reasons("Shed", figures.shed, figures),
      reasons("Degraded", figures.degraded, figures),
      reasons("Answers", figures.statuses, figures, "status "),
    ),
    h("div", { class: "lanes" }, figures.lanes.map(lane)),
    figures.lanes.length === 0 && h("p", null, "Nothing was ranked in this time."),
  ];
}

function heading(figures, status) {
  const workers = `${figures.workers} worker${figures.workers === 1 ? "" : "s"} of this gateway`;
  const silent = figures.silent_workers ? `, ${figures.silent_workers} more did not answer` : "";
  const window = figures.seconds ? `The last ${span(figures.seconds)}` : "Measuring";
  return `${status === "ready" ? "" : `Not ready: ${status}. `}${window}; ${workers}${silent}.`;
}

function tile(title, value, note, drawing) {
  return h(
    "div",
    { class: "tile", "data-key": title },
    h("h3", null, title),
    h("p", { class: "big" }, value),
    note && h("p", { class: "note" }, note),
    drawing,
  );
}

function reasons(title, rates, figures, prefix = "") {
  const found = Object.entries(rates);
  const total = found.reduce((sum, [, rate]) => sum + rate, 0);
  return h(
    "div",
    { class: "tile", "data-key": title },
    h("h3", null, title),
    h("p", { class: `big ${total > 0 && title === "Shed" ? "warn" : ""}` }, perSecond(total)),
    found.length
      ? h(
          "ul",
          { class: "reasons" },
          found
            .slice(0, 6)
            .map(([reason, rate]) =>
              h(
                "li",
                { "data-key": reason },
                h("span", null, prefix + reason.replace(":", ": ").replaceAll("_", " ")),
                h("span", { class: "figure" }, perSecond(rate)),
              ),
            ),
        )
      : h("p", { class: "note" }, "none"),
  );
}

function lane(each) {
  const most = Math.max(...Object.values(each.stages).map((times) => times.p99_ms));
  return h(
    "div",
    { class: "lane", "data-key": `${each.lane}-${each.version}` },
    h(
      "h3",
      null,
      h("span", { class: `lane-name ${each.lane}` }, each.lane),
      " ",
      h("code", null, each.version),
      h("span", { class: "note" }, ` ${perSecond(each.requests_per_s)}`),
    ),
    h(
      "table",
      { class: "times" },
      h("caption", { class: "unseen" }, `Milliseconds by stage, lane ${each.lane}`),
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          h("th", { scope: "col" }, "ms"),
          ["p50", "p95", "p99"].map((name) => h("th", { scope: "col", class: "figure" }, name)),
          h(
            "th",
            { class: "drawn", scope: "col" },
            h("span", { class: "unseen" }, "p99 beside others"),
          ),
        ),
      ),
      h(
        "tbody",
        null,
        Object.entries(each.stages).map(([name, times]) =>
          h(
            "tr",
            { "data-key": name, class: name === "total" ? "total" : null },
            h("th", { scope: "row" }, name),
            [times.p50_ms, times.p95_ms, times.p99_ms].map((value) =>
              h("td", { class: "figure" }, ms(value)),
            ),
            h(
              "td",
              { class: "drawn" },
              bar(times.p99_ms, most, `${ms(times.p99_ms)} ms`, each.lane),
            ),
          ),
        ),
      ),
    ),
    coverage(each),
  );
}

function coverage(each) {
  const tiers = Object.entries(each.coverage).reverse(); // the best first
  const ages = each.teacher_age_s;
  return [
    h("h4", null, "Coverage by tier"),
    tiers.length
      ? [
          shares(tiers, tiers.map(([tier, share]) => `${tier} ${percent(share)}`).join(", ")),
          h(
            "ul",
            { class: "legend" },
            tiers.map(([tier, share]) =>
              h(
                "li",
                { "data-key": tier },
                h("span", { class: `swatch tier ${tier}` }),
                `${tier} ${percent(share)}`,
              ),
            ),
          ),
        ]
      : h("p", { class: "note" }, "no candidates"),
    h(
      "p",
      null,
      "Teacher's age ",
      ages
        ? h(
            "span",
            { class: "figure" },
            Object.entries(ages)
              .map(([name, age]) => `${name} ${span(age)}`)
              .join(" · "),
          )
        : h("span", { class: "note" }, "no hints"),
    ),
  ];
}
