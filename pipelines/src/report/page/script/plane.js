// The plane on which points are drawn.

const MARGIN = { left: 66, right: 20, top: 16, bottom: 46 };

/** Returns a function from values to pixels, with its inverse and its ticks. */
function scaleOf(values, logarithmic, from, to) {
  const [go, back] = logarithmic ? [Math.log10, (x) => 10 ** x] : [(x) => x, (x) => x];
  const ends = [Math.min(...values), Math.max(...values)].map(go);
  const room = (ends[1] - ends[0]) * 0.06 || Math.abs(ends[0]) * 0.05 || 0.1;
  const [low, high] = [ends[0] - room, ends[1] + room];
  const scale = (value) => from + ((go(value) - low) / (high - low)) * (to - from);
  scale.invert = (pixel) => back(low + ((pixel - from) / (to - from)) * (high - low));
  scale.ticks = logarithmic ? logarithmicTicks(low, high) : linearTicks(low, high);
  return scale;
}

function linearTicks(low, high) {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((digit) => digit * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

function logarithmicTicks(low, high) {
  const digits = high - low > 2.5 ? [1] : [1, 2, 5];
  const powers = Array.from({ length: Math.ceil(high - low) + 2 }, (_, index) => Math.floor(low) + index);
  const ticks = powers.flatMap((power) => digits.map((digit) => Number(`${digit}e${power}`)));
  const inside = ticks.filter((tick) => Math.log10(tick) >= low && Math.log10(tick) <= high);
  return inside.length > 1 ? inside : linearTicks(10 ** low, 10 ** high);
}

/** Draws a tick: a line of the grid, and its label. */
function drawTick(svg, axis, at, label, { width, height }) {
  const bottom = height - MARGIN.bottom;
  const line = axis === "x"
    ? { x1: at, x2: at, y1: MARGIN.top, y2: bottom }
    : { x1: MARGIN.left, x2: width - MARGIN.right, y1: at, y2: at };
  const text = axis === "x"
    ? { x: at, y: bottom + 18, "text-anchor": "middle" }
    : { x: MARGIN.left - 8, y: at + 4, "text-anchor": "end" };
  svg.append(element("svg:line", { class: "grid", ...line }), element("svg:text", text, label));
}

function drawTitles(svg, x, y, { width, height }) {
  const middle = [(MARGIN.left + width - MARGIN.right) / 2, (MARGIN.top + height - MARGIN.bottom) / 2];
  svg.append(
    element("svg:text", { class: "title", "text-anchor": "middle", x: middle[0], y: height - 7 }, x),
    element("svg:text", { class: "title", "text-anchor": "middle",
      transform: `translate(13 ${middle[1]}) rotate(-90)` }, y));
}

/** Draws the line through the points that no other one is at most as large as by both axes. */
function drawFront(svg, points, name) {
  let lowest = -Infinity; // in pixels, which grow downwards
  const sorted = [...points].sort((a, b) => a.px - b.px || b.py - a.py);
  const best = sorted.filter(({ py }) => py > lowest && ((lowest = py), true));
  const corners = best.map(({ px, py }, index) => (index ? `H${px}V${py}` : `M${px} ${py}`));
  if (corners.length > 1) svg.append(element("svg:path", { class: `front ${name}`, d: corners.join("") }));
}

/** Draws a point as a button that a keyboard reaches too. */
function drawPoint(svg, point, classes) {
  const { px, py, layer, name, facts } = point;
  const shape = layer === "int8"
    ? element("svg:path", { d: `M${px} ${py - 7}l7 7l-7 7l-7 -7z` })
    : element("svg:circle", { cx: px, cy: py, r: layer === "f32" ? 6 : 3.5 });
  const label = facts.filter(([, value]) => value !== null).map((fact) => fact.join(" ")).join("; ");
  const attributes = { role: "button", tabindex: -1, "aria-label": label, "data-name": name };
  point.group = element("svg:g", { class: ["point", layer, ...classes].join(" "), ...attributes }, shape);
  svg.append(point.group);
}
