// Choose a face on a frame of the video: by a click on it, or from a list.

import { ask, find, make, say } from "./api.js";

/** Letters, as the numbers in answers count otherwise: from 0, the largest first. */
const letter = (face) => String.fromCharCode(64 + ((face.number - 1) % 26) + 1);
const USUAL = [
  ["auto", "who speaks most"],
  ["all", "everybody"],
];

/** The choice of a face in the form of dubbing; `chosen()` is what the job is told, `show(upload)` begins anew. */
export function faces() {
  const who = find("#who");
  const frame = find("#frame");
  const picture = find("#frame-picture");
  const list = find("#faces");
  const hint = find("#who-hint");
  const slider = find("#frame-at");
  let upload = null;
  let asked = 0;

  const chosen = () => (who.hidden ? "auto" : (find("input:checked", list) || { value: "auto" }).value);

  function option(value, text) {
    const input = make("input", { type: "radio", name: "face", value, checked: value === "auto", onchange: mark });
    return make("label", {}, input, ` ${text}`);
  }

  function mark() {
    for (const button of frame.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.face === chosen()));
    }
  }

  function place(face, size) {
    const [x0, y0, x1, y1] = face.box;
    const button = make("button", { type: "button", "aria-label": `face ${letter(face)}`, "aria-pressed": "false" });
    button.append(make("span", { "aria-hidden": "true" }, letter(face)));
    button.dataset.face = face.face;
    const part = (value, of) => `${(100 * Math.max(0, value)) / of}%`;
    button.style.left = part(x0, size[0]);
    button.style.top = part(y0, size[1]);
    button.style.width = part(x1 - Math.max(0, x0), size[0]);
    button.style.height = part(y1 - Math.max(0, y0), size[1]);
    button.addEventListener("click", () => {
      find(`input[value="${CSS.escape(face.face)}"]`, list).checked = true;
      mark();
      say(`face ${letter(face)} is chosen`);
    });
    return button;
  }

  async function look(at) {
    const mine = (asked += 1);
    hint.textContent = "Looking for faces.";
    try {
      const seen = await ask(`/uploads/${upload.id}/faces?at=${at}`);
      if (mine !== asked) return;
      for (const button of frame.querySelectorAll("button")) button.remove();
      picture.src = seen.picture;
      picture.alt = `the frame at ${seen.at.toFixed(1)} s with ${seen.faces.length} faces`;
      frame.append(...seen.faces.map((face) => place(face, seen.size)));
      list.replaceChildren(
        ...USUAL.map(([value, text]) => option(value, text)),
        ...seen.faces.map((face) => option(face.face, `face ${letter(face)}`)),
      );
      mark();
      const many = seen.faces.length;
      hint.textContent = many ? "Click a face, or choose below." : "No face is seen on this frame; try another one.";
      say(`${many} ${many === 1 ? "face" : "faces"} on the frame`);
    } catch (problem) {
      if (mine === asked) hint.textContent = problem.message;
    }
  }

  let waiting = 0;
  slider.addEventListener("input", () => {
    find("#frame-said").textContent = `${Number(slider.value).toFixed(1)} s`;
    clearTimeout(waiting);
    waiting = setTimeout(() => look(slider.value), 250);
  });

  function show(found) {
    upload = found;
    who.hidden = !found;
    if (!found) return;
    list.replaceChildren(...USUAL.map(([value, text]) => option(value, text)));
    find("#frame-time").hidden = found.kind !== "video";
    slider.max = Math.max(0, found.seconds - 0.1);
    slider.value = 0;
    find("#frame-said").textContent = "0.0 s";
    look(0);
  }

  return { chosen, show };
}
