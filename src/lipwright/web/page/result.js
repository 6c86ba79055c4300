// A job as a card: how far it is, and what came of it.

import { ask, BASE, clock, later, make, say } from "./api.js";
import { player } from "./player.js";
import { curve, spans } from "./plots.js";

const STATES = { queued: "waits for its turn", running: "at work", done: "done", failed: "failed", cancelled: "cancelled" };
const WORDS = { faces: "looking for faces", pictures: "looking at the pictures", write: "writing the video", "who speaks": "finding who speaks", starting: "starting" };
const COLOURS = { "in sync": "good", "out of sync": "bad", "cannot say": "open" };
const EVERY = 600;

export const ended = (job) => ["done", "failed", "cancelled"].includes(job.state);
export function title(job) {
  const text = job.options.text || "";
  const said = text && [`“${text.length > 40 ? `${text.slice(0, 40)}…` : text}”`];
  return `${job.verb}: ${[...Object.values(job.inputs), ...said].join(" + ")}`;
}

/** How far a job is, in words. */
export function words(job) {
  if (job.state !== "running") return job.state === "failed" ? job.error : STATES[job.state];
  const left = job.seconds_left === null ? "" : `, some ${clock(job.seconds_left)} left`;
  return `${WORDS[job.what] || job.what}, ${Math.round(100 * job.progress)} %${left}`;
}

/** Show a job in `place` until it has ended, and then what came of it. */
export async function follow(job, place) {
  const card = make("article", { class: "card", "aria-label": title(job) });
  place.prepend(card);
  const bar = make("progress", { max: 1, value: 0, "aria-label": "progress" });
  const told = make("p", { class: "soft" });
  const stop = make("button", { type: "button", onclick: cancel }, "Cancel");
  card.append(make("h2", {}, title(job)), bar, told, make("div", { class: "actions" }, stop));
  card.dataset.job = job.id;

  async function cancel() {
    stop.disabled = true;
    job = await ask(`/jobs/${job.id}/cancel`, { method: "POST" }).catch(() => job);
  }

  let quarter = 0;
  while (!ended(job)) {
    bar.value = job.progress;
    told.textContent = words(job);
    if (Math.floor(job.progress * 4) > quarter) {
      quarter = Math.floor(job.progress * 4);
      say(words(job));
    }
    await later(EVERY);
    try {
      job = await ask(`/jobs/${job.id}`);
    } catch (problem) {
      if (problem.status === 404) {
        card.remove();
        return job;
      }
      told.textContent = problem.message;
    }
  }
  say(`${title(job)}: ${words(job)}`);
  card.replaceChildren(make("h2", {}, title(job)), ...(await outcome(job)));
  return job;
}

async function outcome(job) {
  if (job.state !== "done") {
    return [make("p", { class: job.state === "failed" ? "problem" : "soft" }, words(job))];
  }
  const answer = await ask(`/jobs/${job.id}/answer`);
  const parts = (SHOWN[job.verb] || plain)(answer);
  const video = job.results.find((each) => each.name === "video.mp4");
  if (video) {
    const size = answer.data.size || [0, 0];
    parts.unshift(player(`${BASE}/jobs/${job.id}/inputs/video`, video.url, job.options.compare ? [0, 0] : size));
  }
  const sound = job.results.find((each) => each.name === "speech.wav");
  if (sound) parts.unshift(make("audio", { src: sound.url, controls: true }));
  const links = job.results.map((each) =>
    each.name.endsWith(".html")
      ? make("a", { class: "button", href: each.url, target: "_blank", rel: "noopener" }, "Report")
      : make("a", { class: "button main", href: `${each.url}?save=true` }, "Download"),
  );
  parts.push(make("div", { class: "actions" }, ...links));
  if (video) parts.push(after(job));
  return parts;
}

const SHOWN = { check: checked, measure: measured };

/** The measurement of a result, asked for at once. */
function after(job) {
  const place = make("div", {}, make("h3", {}, "Lips and voice"), make("p", { class: "soft" }, "Measuring."));
  const fill = async () => {
    try {
      const asked = { verb: "measure", inputs: { video: job.id } };
      let found = await ask("/jobs", { json: asked, headers: { "Idempotency-Key": `measure-${job.id}` } });
      while (!ended(found)) {
        await later(EVERY);
        found = await ask(`/jobs/${found.id}`);
      }
      if (found.state !== "done") throw new Error(words(found));
      const answer = await ask(`/jobs/${found.id}/answer`);
      const report = found.results.map((each) =>
        make("a", { class: "button", href: each.url, target: "_blank", rel: "noopener" }, "Report"),
      );
      place.replaceChildren(make("h3", {}, "Lips and voice"), ...measured(answer), make("div", { class: "actions" }, ...report));
      say(`lips and voice: ${answer.data.verdict}`);
    } catch (problem) {
      place.replaceChildren(make("h3", {}, "Lips and voice"), make("p", { class: "soft" }, `Not measured: ${problem.message}`));
    }
  };
  place.done = fill();
  return place;
}

const plain = (answer) => [make("pre", {}, answer.text)];

/** What speaks against a dub, each with what helps. */
function checked(answer) {
  const issues = answer.data.issues;
  if (!issues.length) return [make("p", {}, make("span", { class: "badge good" }, "fine"), " Nothing speaks against it.")];
  const colour = { error: "bad", warning: "open", info: "soft" };
  const line = (issue) => {
    const at = issue.at ? ` (${issue.at[0].toFixed(1)} to ${issue.at[1].toFixed(1)} s)` : "";
    const said = make("strong", { class: colour[issue.severity] }, `${issue.severity}: `);
    return make("li", {}, said, `${issue.message}${at}. `, make("span", { class: "soft" }, `${issue.remedy}.`));
  };
  return [make("ul", { class: "issues" }, ...issues.map(line))];
}

/** Verdict, curve, spans and figures. */
function measured(answer) {
  const data = answer.data;
  const said = data.offset_words;
  const parts = [
    make("p", {}, make("span", { class: `badge ${COLOURS[data.verdict] || "open"}` }, data.verdict), ` ${said}.`),
    make("p", { class: "soft" }, "The curve dips where lips and sound fit best; the band is what viewers accept."),
    curve(data.curve, said),
  ];
  if (data.spans.length > 1) {
    parts.push(make("h3", {}, "Through time"), spans(data.spans));
  }
  const rows = [
    ["distance (LSE-D)", data.lse_d, data.floor.lse_d],
    ["confidence (LSE-C)", data.lse_c, data.floor.lse_c],
    ...Object.entries(data.metrics).map(([name, value]) => [name.replaceAll("_", " "), value, data.floor[name]]),
  ];
  const cell = (value) => make("td", {}, typeof value === "number" ? value.toFixed(3) : "–");
  const head = make("tr", {}, ...["", "this video", "a wrong voice"].map((text) => make("th", { scope: "col" }, text)));
  const lines = rows.map(([name, ...values]) => make("tr", {}, make("td", {}, name), ...values.map(cell)));
  const table = make("div", { class: "wide" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines)));
  parts.push(make("details", {}, make("summary", {}, "Figures"), table));
  return parts;
}
