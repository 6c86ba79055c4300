// The server's answers, and elements of the page.

export const BASE = "/api/v1";

export class Problem extends Error {
  constructor(said, status) {
    super(said);
    this.status = status;
  }
}

/** What the server answers, as an object; a Problem that says in a sentence why it does not. */
export async function ask(path, how = {}) {
  const options = { method: how.method || "GET", headers: { ...how.headers } };
  if (how.json !== undefined) {
    options.method = how.method || "POST";
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(how.json);
  }
  let answer;
  try {
    answer = await fetch(BASE + path, options);
  } catch {
    throw new Problem("The server does not answer. Is it still running?", 0);
  }
  if (answer.status === 204) return null;
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(told.detail || `The server refused (${answer.status}).`, answer.status);
  return told;
}

/** Send a file; `tell` is called with the part of it that is sent, 0 to 1. */
export function send(file, tell) {
  return new Promise((done, failed) => {
    const form = new FormData();
    form.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.upload.onprogress = (event) => event.lengthComputable && tell(event.loaded / event.total);
    request.onload = () => {
      let told = {};
      try {
        told = JSON.parse(request.responseText);
      } catch {
        told = {};
      }
      if (request.status === 201) done(told);
      else failed(new Problem(told.detail || `The server refused (${request.status}).`, request.status));
    };
    request.onerror = () => failed(new Problem("The file could not be sent. Is the server still running?", 0));
    request.open("POST", `${BASE}/uploads`);
    request.send(form);
  });
}

/** An element with properties, attributes and children. */
export function make(name, how = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(how)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (key in made && key !== "role") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const find = (what, inside = document) => inside.querySelector(what);
export const all = (what, inside = document) => [...inside.querySelectorAll(what)];

/** Say something to those who do not see the page. */
export function say(text) {
  const place = find("#said");
  if (place.textContent !== text) place.textContent = text;
}

export function clock(seconds) {
  if (seconds >= 90) return `${Math.round(seconds / 60)} min`;
  return `${Math.max(1, Math.round(seconds))} s`;
}

export const later = (ms) => new Promise((done) => setTimeout(done, ms));
