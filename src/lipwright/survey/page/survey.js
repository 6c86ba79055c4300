// Keys, and no answers before the videos were seen. Without this file the page works too: the server counts the time.
"use strict";

const form = document.getElementById("answers");
const videos = [...document.querySelectorAll("video")];
const state = document.getElementById("state");
const NEARLY = 0.9; // of a video's length, played

function played(video) {
  let seconds = 0;
  for (let part = 0; part < video.played.length; part++) seconds += video.played.end(part) - video.played.start(part);
  return Number.isFinite(video.duration) && seconds >= NEARLY * video.duration;
}

function lock(locked) {
  for (const part of form.querySelectorAll("fieldset, button")) part.disabled = locked;
}

function look() {
  for (const video of videos) if (video.ended && played(video)) video.dataset.seen = "1";
  if (form.dataset.watched || !videos.every((video) => video.dataset.seen)) return;
  form.dataset.watched = "1";
  lock(false);
  state.textContent = state.dataset.ready;
}

function play() {
  const next = videos.find((video) => !video.paused) || videos.find((video) => !video.dataset.seen) || videos[0];
  if (!next) return;
  if (!next.paused) next.pause();
  else {
    for (const other of videos) if (other !== next) other.pause();
    next.play();
  }
}

function choose(number) {
  const fields = [...form.querySelectorAll("fieldset")];
  const own = document.activeElement.closest("fieldset");
  const field = own || fields.find((one) => !one.querySelector(":checked")) || fields[0];
  const answer = field.querySelectorAll("input")[number - 1];
  if (field.disabled || !answer) return;
  answer.checked = true;
  const open = fields.find((one) => !one.querySelector(":checked"));
  (open ? open.querySelector("input") : form.querySelector("button")).focus();
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.target;
  const control = at.closest("button, a, summary, select, video");
  const answer = at.matches("input[type=radio]");
  if (/^[1-9]$/.test(event.key) && !at.closest("select")) {
    event.preventDefault();
    choose(Number(event.key));
  } else if (event.key === " " && !control && !(answer && !at.checked)) {
    event.preventDefault();
    play();
  } else if (event.key === "Enter" && !control && !answer && !form.querySelector("button").disabled) {
    event.preventDefault();
    form.requestSubmit();
  }
}

if (form) {
  if (videos.length && !form.dataset.watched) lock(true);
  for (const video of videos) {
    video.addEventListener("ended", look);
    video.addEventListener("error", () => { state.textContent = state.dataset.broken; });
    if (video.error) state.textContent = state.dataset.broken;
    video.addEventListener("play", () => {
      for (const other of videos) if (other !== video) other.pause();
    });
  }
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button")) setTimeout(() => { button.disabled = true; });
  });
  document.addEventListener("keydown", press);
}
