// Before and after in lockstep: a slider between them, or side by side.

import { make } from "./api.js";

/** A player of two videos; the sound is that of the second. */
export function player(before, after, shape) {
  const one = make("video", { src: before, muted: true, playsInline: true, preload: "auto", tabIndex: -1 });
  const two = make("video", { src: after, playsInline: true, preload: "auto", tabIndex: -1 });
  one.setAttribute("aria-hidden", "true");
  two.setAttribute("aria-label", "the result");
  const tags = [make("span", { class: "tag before" }, "before"), make("span", { class: "tag after" }, "after")];
  const stage = make("div", { class: "stage slide" }, one, two, make("span", { class: "line" }), ...tags);
  if (shape[0]) stage.style.setProperty("--shape", `${shape[0]} / ${shape[1]}`);
  const play = make("button", { type: "button" }, "Play");
  const seek = make("input", { type: "range", min: 0, max: 1, step: 0.01, value: 0, ariaLabel: "time" });
  const cut = make("input", { type: "range", min: 0, max: 100, value: 50, ariaLabel: "how much of before is shown" });
  const way = make("button", { type: "button", ariaPressed: "false" }, "Side by side");
  const sound = make("button", { type: "button", ariaPressed: "false" }, "Sound of before");
  const time = make("output", {}, "0.0 s");

  const follow = () => {
    if (Number.isFinite(one.duration) && Math.abs(one.currentTime - folded(two.currentTime)) > 0.08) {
      one.currentTime = folded(two.currentTime);
    }
  };
  // A result longer than its source showed it to and fro; the source is followed there.
  const folded = (at) => {
    const round = 2 * one.duration;
    return one.duration ? Math.min(one.duration - Math.abs((at % round) - one.duration), one.duration - 0.001) : 0;
  };
  const forward = () => !one.duration || two.currentTime < one.duration;
  let drawn = 0;
  const draw = () => {
    seek.value = two.currentTime;
    time.textContent = `${two.currentTime.toFixed(1)} s`;
    if (forward()) {
      if (!two.paused && one.paused) one.play().catch(() => {});
    } else one.pause();
    follow();
    drawn = two.paused ? 0 : requestAnimationFrame(draw);
  };
  const state = () => {
    play.textContent = two.paused ? "Play" : "Pause";
    if (two.paused) one.pause();
    if (!two.paused && !drawn) draw();
  };
  play.addEventListener("click", () => (two.paused ? two.play() : two.pause()));
  two.addEventListener("play", state);
  two.addEventListener("pause", state);
  two.addEventListener("ended", state);
  two.addEventListener("loadedmetadata", () => (seek.max = two.duration));
  two.addEventListener("seeked", follow);
  seek.addEventListener("input", () => {
    two.currentTime = Number(seek.value);
    time.textContent = `${Number(seek.value).toFixed(1)} s`;
  });
  cut.addEventListener("input", () => stage.style.setProperty("--cut", `${cut.value}%`));
  way.addEventListener("click", () => {
    const side = stage.classList.toggle("side");
    stage.classList.toggle("slide", !side);
    way.setAttribute("aria-pressed", String(side));
    cut.hidden = side;
  });
  sound.addEventListener("click", () => {
    one.muted = two.muted;
    two.muted = !one.muted;
    sound.setAttribute("aria-pressed", String(two.muted));
  });
  const wrong = make("p", { class: "soft" });
  const blind = () => {
    wrong.textContent = "This browser cannot show the file that was given; the result can be played.";
    stage.style.setProperty("--cut", "0%");
    stage.classList.replace("side", "slide");
    for (const each of [cut, way, tags[0]]) each.hidden = true;
  };
  // A browser that knows the file and not the way its pictures are packed plays its sound alone.
  one.addEventListener("loadedmetadata", () => one.videoWidth || blind());
  one.addEventListener("error", () => {
    const still = make("img", { src: before, alt: "" });
    still.addEventListener("error", blind);
    one.replaceWith(still);
    sound.hidden = true;
  });
  const controls = make("div", { class: "controls" }, play, seek, time, way, sound);
  return make("div", {}, stage, make("div", { class: "controls" }, cut), controls, wrong);
}
