// The studio: tabs, the three forms, the list of jobs, and the way in.

import { all, ask, BASE, find, later, make, Problem, say } from "./api.js";
import { drop, uploads } from "./drop.js";
import { faces } from "./faces.js";
import { ended, follow, title, words } from "./result.js";

const TABS = ["dub", "measure", "repair", "jobs"];
const PAGE = 20;
let known = null;
let many = PAGE;
let who = null;

// ------------------------------------------------------------------------------------------------- the way in

async function enter(token) {
  const answer = await fetch(`${BASE}/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  if (!answer.ok) throw new Problem((await answer.json().catch(() => ({}))).detail || "Not let in.", answer.status);
}

async function begin() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    history.replaceState(null, "", location.pathname);
    await enter(given).catch(() => {});
  }
  try {
    known = await ask("/about");
  } catch (problem) {
    find("#enter").hidden = false;
    find("#tabs").hidden = true;
    if (problem.status !== 401) find("#enter-problem").textContent = problem.message;
    find("#token").focus();
    return;
  }
  find("#enter").hidden = true;
  find("#tabs").hidden = false;
  fill();
  // A tab that was chosen while the server was asked stays.
  const chosen = TABS.find((tab) => find(`#tab-${tab}`).getAttribute("aria-selected") === "true");
  open(TABS.includes(location.hash.slice(1)) ? location.hash.slice(1) : chosen);
}

// A new link of the server, opened where the page is open already.
window.addEventListener("hashchange", () => location.hash.startsWith("#token=") && begin());

find("#enter-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await enter(find("#token").value);
    await begin();
  } catch (problem) {
    find("#enter-problem").textContent = problem.message;
  }
});

// ------------------------------------------------------------------------------------------------------- tabs

function open(name, focus = false) {
  for (const tab of TABS) {
    const mine = tab === name;
    find(`#panel-${tab}`).hidden = !mine;
    const button = find(`#tab-${tab}`);
    button.setAttribute("aria-selected", String(mine));
    button.tabIndex = mine ? 0 : -1;
    if (mine && focus) button.focus();
  }
  if (name === "jobs") list();
}

for (const tab of TABS) find(`#tab-${tab}`).addEventListener("click", () => open(tab));
find("#tabs").addEventListener("keydown", (event) => {
  const at = TABS.findIndex((tab) => find(`#tab-${tab}`) === document.activeElement);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: TABS.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  open(TABS[(to + TABS.length) % TABS.length], true);
});

// ------------------------------------------------------------------------------------------------------ forms

function fill() {
  if (who) return;
  who = faces();
  for (const place of all(".drop")) {
    drop(place, place.closest("#dub") && place.dataset.role === "video" ? who.show : undefined);
  }
  const named = Object.entries(known.languages).sort((a, b) => a[1].localeCompare(b[1]));
  find("#dub-language").append(...named.map(([code, name]) => make("option", { value: code, selected: code === "en" }, name)));
  const usual = "landmark";
  find("#dub-dubber").append(
    make("option", { value: "" }, `${usual} (usual)`),
    ...known.dubbers.filter((name) => name !== usual).map((name) => make("option", { value: name }, name)),
  );
  find("#jobs-kept").textContent = `Files are deleted after ${known.keep_hours} hours.`;
  for (const input of all("#dub-how input")) input.addEventListener("change", choose);
  find("#dub-like").addEventListener("change", choose);
  choose();
}

function choose() {
  const how = find("#dub-how input:checked").value;
  for (const part of all("[data-how]")) part.hidden = !part.dataset.how.split(" ").includes(how);
  find("#dub-like-file").hidden = find("#dub-like").value !== "file";
}

const FORMS = {
  dub() {
    const given = uploads(find("#dub"));
    const how = find("#dub-how input:checked").value;
    if (!given.video) throw new Error("Give a video, or a picture, first.");
    const options = {};
    if (how === "text") {
      options.text = find("#dub-text").value.trim();
      if (!options.text) throw new Error("Write what is to be said.");
    } else if (!given[how]) throw new Error(how === "srt" ? "Give the subtitles." : "Give the recording of what is said.");
    if (how !== "speech") {
      options.language = find("#dub-language").value;
      if (find("#dub-like").value === "file") {
        if (!given.like) throw new Error("Give a recording of the voice.");
      } else options.like = find("#dub-like").value;
    }
    if (how !== "speech" && find("#dub-fit").checked) options.fit = true;
    const face = who.chosen();
    if (face !== "auto") options.face = face;
    for (const [name, key] of [["dubber", "dubber"], ["mode", "sync_mode"], ["emotion", "emotion"]]) {
      if (find(`#dub-${name}`).value) options[key] = find(`#dub-${name}`).value;
    }
    for (const name of ["start", "preview", "smooth", "calm", "stabilise", "strength"]) {
      const input = find(`#dub-${name}`);
      if (!input.checkValidity()) throw new Error(`${input.labels[0].textContent}: ${input.validationMessage}`);
      if (input.value !== "") options[name] = Number(input.value);
    }
    if (!find("#dub-consent").checked) throw new Error("Tick that everybody shown and heard agreed.");
    return { options, consent: true };
  },
  measure() {
    if (!uploads(find("#measure")).video) throw new Error("Give a video first.");
    return {};
  },
  repair() {
    if (!uploads(find("#repair")).video) throw new Error("Give a video first.");
    return { options: { how: find("#repair-how").value } };
  },
};

/** Ask for the job that a form describes, and follow it below the form. */
function asks(form, button, describe) {
  return async (event) => {
    event.preventDefault();
    const problem = find("[data-problem]", form);
    problem.textContent = "";
    button.disabled = true;
    try {
      const job = await ask("/jobs", { json: describe(ids(uploads(form))) });
      say("the job is queued");
      const shown = find(".shown", form.parentElement);
      follow(job, shown);
      shown.firstElementChild.scrollIntoView({ block: "nearest" });
    } catch (wrong) {
      problem.textContent = wrong.message;
    } finally {
      button.disabled = false;
    }
  };
}

const ids = (given) => Object.fromEntries(Object.entries(given).map(([role, upload]) => [role, upload.id]));

for (const [verb, more] of Object.entries(FORMS)) {
  const form = find(`#${verb}`);
  const described = (inputs) => ({ verb, inputs, ...more() });
  form.addEventListener("submit", asks(form, find("button.main", form), described));
}

find("#dub-check").addEventListener(
  "click",
  asks(find("#dub"), find("#dub-check"), ({ video, speech }) => {
    if (!video && !speech) throw new Error("Give a video, or a recording, first.");
    const inputs = { ...(video && { video }), ...(speech && { sound: speech }) };
    const dubber = find("#dub-dubber").value;
    return { verb: "check", inputs, options: dubber ? { dubber } : {} };
  }),
);

// ------------------------------------------------------------------------------------------------------- jobs

function line(job) {
  const actions = make("div", { class: "actions" });
  const act = (text, what) =>
    actions.append(make("button", { type: "button", "aria-label": `${text} ${title(job)}`, onclick: what }, text));
  act("Open", () => {
    const shown = find("#panel-jobs .shown");
    shown.replaceChildren();
    follow(job, shown);
    shown.firstElementChild.scrollIntoView();
  });
  if (!ended(job)) act("Cancel", () => ask(`/jobs/${job.id}/cancel`, { method: "POST" }).then(list, list));
  else act("Delete", () => ask(`/jobs/${job.id}`, { method: "DELETE" }).then(list, list));
  const when = new Date(job.created).toLocaleString();
  const told = make("div", { class: job.state === "failed" ? "bad" : "soft" }, words(job));
  const row = make("li", {}, make("div", {}, make("div", { class: "name" }, title(job)), told, make("div", { class: "soft" }, when)), actions);
  row.dataset.key = `${job.id} ${job.state} ${words(job)}`;
  return row;
}

let listing = false;
async function list() {
  if (listing) return;
  listing = true;
  try {
    while (!find("#panel-jobs").hidden) {
      const page = await ask(`/jobs?limit=${Math.min(many, 100)}`);
      const rows = page.items.map(line);
      const shown = all("#jobs > li");
      const same = rows.length === shown.length && rows.every((row, k) => row.dataset.key === shown[k].dataset.key);
      if (!same && !find("#jobs").contains(document.activeElement)) find("#jobs").replaceChildren(...rows);
      else if (!same) update(rows);
      if (!rows.length) find("#jobs").replaceChildren(make("li", { class: "soft" }, "No jobs yet."));
      find("#jobs-more").hidden = page.total <= many || many >= 100;
      await later(1500);
    }
  } catch (problem) {
    find("#jobs").replaceChildren(make("li", { class: "problem" }, problem.message));
  } finally {
    listing = false;
  }
}

/** New rows while somebody's focus is in the list: it stays on the same action of the same job. */
function update(rows) {
  const focused = document.activeElement.getAttribute("aria-label");
  find("#jobs").replaceChildren(...rows);
  const again = all("#jobs button").find((button) => button.getAttribute("aria-label") === focused);
  (again || find("#tab-jobs")).focus();
}

find("#jobs-more").addEventListener("click", () => {
  many += PAGE;
});

begin();
