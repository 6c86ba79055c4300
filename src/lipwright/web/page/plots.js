// The curve of the offset and the offsets through time, as SVG.

const SVG = "http://www.w3.org/2000/svg";
const WIDE = 640;
const TALL = 200;
const EDGE = { left: 52, right: 12, top: 12, bottom: 42 };
const EARLY = 45; // ms by which sound may come early, and late, before viewers mind (ITU-R BT.1359-1's threshold: 45, 125)
const LATE = 125;

function draw(name, how, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(how)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function canvas(title, xs, ys, below, beside) {
  const svg = draw("svg", { viewBox: `0 0 ${WIDE} ${TALL}`, class: "plot", role: "img", "aria-label": title });
  const x = (value) => EDGE.left + ((value - xs[0]) / (xs[1] - xs[0] || 1)) * (WIDE - EDGE.left - EDGE.right);
  const y = (value) => TALL - EDGE.bottom - ((value - ys[0]) / (ys[1] - ys[0] || 1)) * (TALL - EDGE.top - EDGE.bottom);
  const floor = TALL - EDGE.bottom;
  svg.append(draw("line", { x1: EDGE.left, x2: WIDE - EDGE.right, y1: floor, y2: floor, class: "axis" }));
  svg.append(draw("text", { x: (EDGE.left + WIDE) / 2, y: TALL - 6, "text-anchor": "middle" }, below));
  svg.append(draw("text", { x: 14, y: TALL / 2 - 15, "text-anchor": "middle", transform: `rotate(-90 14 ${TALL / 2 - 15})` }, beside));
  return { svg, x, y, floor };
}

function marks(plot, values, digits = 0) {
  for (const value of values) {
    plot.svg.append(draw("text", { x: plot.x(value), y: plot.floor + 17, "text-anchor": "middle" }, value.toFixed(digits)));
  }
}

/** Mean distance of lips and sound at every offset. */
export function curve(data, said) {
  const known = data.offset_ms.map((at, k) => [at, data.distance[k]]).filter(([, value]) => value !== null);
  const values = known.map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = 0.08 * (high - low) + 1e-3;
  const ends = [data.offset_ms[0], data.offset_ms[data.offset_ms.length - 1]];
  const plot = canvas(`Distance of lips and sound by offset. ${said}`, ends, [low - room, high + room], "sound early by, ms", "distance");
  const fine = { x: plot.x(-LATE), width: plot.x(EARLY) - plot.x(-LATE), y: EDGE.top, height: plot.floor - EDGE.top };
  plot.svg.append(draw("rect", { ...fine, class: "fine" }));
  plot.svg.append(draw("polyline", { points: known.map(([at, value]) => `${plot.x(at)},${plot.y(value)}`).join(" "), class: "curve" }));
  const best = known.reduce((least, each) => (each[1] < least[1] ? each : least));
  plot.svg.append(draw("circle", { cx: plot.x(best[0]), cy: plot.y(best[1]), r: 5, class: "best" }));
  marks(plot, [-400, -200, 0, 200, 400].filter((at) => at >= ends[0] && at <= ends[1]));
  for (const value of [low, high]) {
    plot.svg.append(draw("text", { x: EDGE.left - 6, y: plot.y(value) + 4, "text-anchor": "end" }, value.toFixed(2)));
  }
  return plot.svg;
}

/** The offset of every stretch of two seconds. */
export function spans(found) {
  const end = Math.max(...found.map((span) => span.stop), 1);
  const most = Math.max(200, ...found.map((span) => Math.abs(span.offset_ms)));
  const plot = canvas("The offset of every two seconds", [0, end], [-most * 1.1, most * 1.1], "s", "early by, ms");
  const fine = { x: EDGE.left, width: WIDE - EDGE.left - EDGE.right, y: plot.y(EARLY), height: plot.y(-LATE) - plot.y(EARLY) };
  plot.svg.append(draw("rect", { ...fine, class: "fine" }));
  for (const span of found) {
    const kind = ["silence", "no-face", "other"].includes(span.problem) ? "silent" : span.problem ? "wrong" : "";
    const dot = draw("circle", { cx: plot.x((span.start + span.stop) / 2), cy: plot.y(span.offset_ms), r: 5, class: `span ${kind}` });
    dot.append(draw("title", {}, `${span.start.toFixed(1)} to ${span.stop.toFixed(1)} s: ${Math.round(span.offset_ms)} ms ${span.problem}`));
    plot.svg.append(dot);
  }
  marks(plot, [0, end / 2, end], 1);
  for (const value of [-most, 0, most]) {
    plot.svg.append(draw("text", { x: EDGE.left - 6, y: plot.y(value) + 4, "text-anchor": "end" }, Math.round(value)));
  }
  return plot.svg;
}
