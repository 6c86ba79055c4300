// A place to drop a file on, or to choose one: the file is sent at once.

import { all, make, say, send } from "./api.js";

let count = 0;

/** Fill a place; `changed(upload or null)` is called when its file is there, or gone. */
export function drop(place, changed = () => {}) {
  const id = `file-${(count += 1)}`;
  const { label, accept, kinds } = place.dataset;
  const input = make("input", { type: "file", id, accept });
  const bar = make("progress", { max: 1, value: 0, hidden: true, "aria-label": "sending" });
  const told = make("p", { class: "soft", id: `${id}-told` });
  const wrong = make("p", { class: "problem", role: "alert" });
  const clear = make("button", { type: "button", hidden: true }, "Take another");
  const shown = make("div");
  input.setAttribute("aria-describedby", told.id);
  place.append(make("label", { htmlFor: id }, label), input, told, bar, wrong, shown, clear);
  told.textContent = "Drop a file here, or choose one.";

  function reset() {
    place.upload = null;
    place.classList.remove("full");
    input.hidden = false;
    input.value = "";
    clear.hidden = true;
    shown.replaceChildren();
    told.textContent = "Drop a file here, or choose one.";
    changed(null);
  }

  async function take(file) {
    wrong.textContent = "";
    bar.hidden = false;
    bar.value = 0;
    input.disabled = true;
    told.textContent = `Sending ${file.name}`;
    try {
      const upload = await send(file, (part) => {
        bar.value = part;
        if (part >= 1) told.textContent = `Looking at ${file.name}`;
      });
      if (!kinds.split(" ").includes(upload.kind)) {
        throw new Error(`${upload.name} is of the kind ${upload.kind}; give ${kinds.split(" ").join(" or ")}.`);
      }
      accept_(upload);
    } catch (problem) {
      reset();
      wrong.textContent = problem.message;
    } finally {
      bar.hidden = true;
      input.disabled = false;
    }
  }

  function accept_(upload) {
    place.upload = upload;
    place.classList.add("full");
    input.hidden = true;
    clear.hidden = false;
    told.textContent = describe(upload);
    shown.replaceChildren(...preview(upload));
    say(`${upload.name} is there`);
    changed(upload);
  }

  input.addEventListener("change", () => input.files.length && take(input.files[0]));
  clear.addEventListener("click", () => {
    reset();
    input.focus();
  });
  for (const name of ["dragenter", "dragover"]) {
    place.addEventListener(name, (event) => {
      event.preventDefault();
      place.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) place.addEventListener(name, () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length && !input.disabled) take(event.dataTransfer.files[0]);
  });
}

function describe(upload) {
  const parts = [upload.name];
  if (upload.size[0]) parts.push(`${upload.size[0]} × ${upload.size[1]}`);
  if (upload.kind === "video") parts.push(`${Math.round(upload.fps * 100) / 100} frames a second`);
  if (upload.seconds && upload.kind !== "picture") parts.push(`${upload.seconds.toFixed(1)} s`);
  if (upload.kind === "video" && !upload.sound) parts.push("no sound");
  return parts.join(", ");
}

function preview(upload) {
  const how = { src: upload.content, controls: true, preload: "metadata" };
  if (upload.kind === "video") return seen(make("video", { ...how, playsInline: true, ariaLabel: upload.name }));
  if (upload.kind === "sound") return [make("audio", { ...how, ariaLabel: upload.name })];
  if (upload.kind === "picture") return [make("img", { src: upload.content, alt: upload.name })];
  return [];
}

/** A video, and a sentence where the browser cannot show its pictures, of which it may play the sound all the same. */
function seen(video) {
  const told = make("p", { class: "soft" });
  const blind = () => {
    told.textContent = "This browser cannot show this video. It can be worked on all the same.";
    video.hidden = true;
  };
  video.addEventListener("error", blind);
  video.addEventListener("loadedmetadata", () => video.videoWidth || blind());
  return [video, told];
}

/** What was uploaded in a form, by role; only places that are shown count. */
export function uploads(form) {
  const found = {};
  for (const place of all(".drop", form)) {
    if (place.upload && !place.closest("[hidden]")) found[place.dataset.role] = place.upload;
  }
  return found;
}

// A file dropped beside a place must not replace the page.
for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
