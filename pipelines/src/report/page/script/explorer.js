// The front that can be explored: a form of axes, layers and demands, the plane, and the answer.

const form = document.getElementById("explorer");
const plane = document.getElementById("plane");
const readout = document.getElementById("readout");
let points = [];
let shown = null;

const checked = (name) => [...form.querySelectorAll(`[name="${name}"]:checked`)].map(({ value }) => value);
const option = (name) => form.elements[name].selectedOptions[0];
const title = (name) => option(name).textContent;

/** Returns the demands that are made. A number is read with its power of ten, so nothing is rounded. */
function demands() {
  const made = Object.keys(DEMANDS).filter((name) => Number(form.elements[name].value) > 0);
  const limit = ({ value, dataset: { power } }) =>
    (/e/i.test(value) ? Number(value) * 10 ** power : Number(`${value}e${power}`));
  return Object.fromEntries(made.map((name) => [name, limit(form.elements[name])]));
}

/** Returns the ends of a demand's range, around the values of the networks; `null` without any. */
function range(name) {
  const values = candidates(form.elements.board.value).map((network) => network[DEMANDS[name]]);
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return name === "min_accuracy" ? [low - 0.005, Math.min(high + 0.005, 1)] : [low * 0.9, high * 1.1];
}

/** Makes a demand, or none if the limit is `null`. */
function setDemand(name, limit) {
  const field = form.elements[name];
  field.value = limit === null ? "" : Number((limit / 10 ** field.dataset.power).toPrecision(4));
  update();
}

/** Reads a demand from its slider, whose end is no demand. */
function slide(slider) {
  const [low, high] = range(slider.dataset.demand);
  const share = slider.value / slider.max;
  const least = slider.dataset.demand === "min_accuracy";
  if (share === (least ? 0 : 1)) return setDemand(slider.dataset.demand, null);
  return setDemand(slider.dataset.demand, least ? low + share * (high - low) : low * (high / low) ** share);
}

/** Moves the sliders to the demands, and hides those that no network of the board has a value for. */
function placeSliders(made) {
  for (const slider of form.querySelectorAll("input[data-demand]")) {
    const { demand } = slider.dataset;
    const ends = range(demand);
    slider.closest(".demand").hidden = !ends;
    if (!ends || slider === document.activeElement) continue;
    const least = demand === "min_accuracy";
    const limit = made[demand] ?? (least ? ends[0] : ends[1]);
    const share = least ? (limit - ends[0]) / (ends[1] - ends[0]) : Math.log(limit / ends[0]) / Math.log(ends[1] / ends[0]);
    slider.value = Math.round(share * slider.max);
  }
}

function axisText(name, value) {
  const { unit } = option(name).dataset;
  const text = unit === "%" ? `${Number((value * 100).toPrecision(3))} %` : si(value, unit);
  return text.replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");
}

/** Draws the plane anew. */
function draw(made, { chosen, eligible }) {
  const width = Math.max(plane.clientWidth, 260);
  const size = { width, height: Math.round(Math.min(Math.max(width * 0.62, 280), 440)) };
  const axes = [form.elements.x.value, form.elements.y.value];
  const logarithmic = ["x", "y"].map((axis) => checked("log").includes(axis));
  const all = pointsOf(checked("layer"), checked("shown"), axes);
  const fits = (point, index) => {
    const value = point.values[axes[index]] ?? null;
    return value !== null && (!logarithmic[index] || value > 0);
  };
  points = all.filter((point) => fits(point, 0) && fits(point, 1));
  const svg = element("svg:svg", { width, height: size.height, role: "group", "aria-label": "Networks" });
  const scales = points.length > 0 ? placePoints(axes, logarithmic, size) : [];
  scales.forEach((scale, index) => {
    const axis = "xy"[index];
    scale.ticks.forEach((tick) => drawTick(svg, axis, scale(tick), axisText(axis, tick), size));
  });
  drawTitles(svg, title("x"), title("y"), size);
  drawFront(svg, points.filter(({ layer }) => layer === "search"), "search");
  drawFront(svg, points.filter(({ anchor }) => anchor), "networks");
  const left = eligible.map(({ network }) => network);
  points.forEach((point) => drawPoint(svg, point, classes(point, made, left, chosen)));
  points[0]?.group.setAttribute("tabindex", 0);
  scales.forEach((scale, index) => drawLimit(svg, scale, "xy"[index], made, size));
  plane.replaceChildren(svg);
  const missing = all.length - points.length;
  document.getElementById("missing").textContent =
    missing > 0 ? `${missing} more have no value on these axes.` : "";
}

function placePoints(axes, logarithmic, { width, height }) {
  const ends = [[MARGIN.left, width - MARGIN.right], [height - MARGIN.bottom, MARGIN.top]];
  const scales = axes.map((axis, index) =>
    scaleOf(points.map(({ values }) => values[axis]), logarithmic[index], ...ends[index]));
  for (const point of points) [point.px, point.py] = scales.map((scale, index) => scale(point.values[axes[index]]));
  points.sort((a, b) => a.px - b.px);
  return scales;
}

function classes(point, made, left, chosen) {
  if (!point.anchor) return [];
  const color = `board-${Math.max(run.boards.indexOf(point.board), 0) % 4}`;
  const out = Object.keys(made).length > 0 && !left.includes(point.name) && "out";
  return [color, point.pruned && "pruned", out, point.name === chosen?.network && "chosen"].filter(Boolean);
}

/** Draws the line of an axis's demand, which is dragged. Without a demand it stands at the end. */
function drawLimit(svg, scale, axis, made, { width, height }) {
  const { demand } = option(axis).dataset;
  if (!demand || !range(demand)) return;
  const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
  const limit = demand === "min_accuracy" ? 1 - made[demand] : made[demand];
  const wanted = demand in made ? scale(limit) : Infinity;
  const at = axis === "x"
    ? Math.max(MARGIN.left, Math.min(wanted, right))
    : demand in made ? Math.max(MARGIN.top, Math.min(wanted, bottom)) : MARGIN.top;
  const line = axis === "x"
    ? { x1: at, x2: at, y1: MARGIN.top, y2: bottom }
    : { x1: MARGIN.left, x2: right, y1: at, y2: at };
  const handle = axis === "x" ? { cx: at, cy: MARGIN.top } : { cx: right, cy: at };
  const group = element("svg:g", { class: `limit ${axis}`, "data-limit": demand },
    element("svg:line", line), element("svg:line", { class: "grip", ...line }),
    element("svg:circle", { ...handle, r: 8 }));
  group.addEventListener("pointerdown", (event) => drag(event, scale, axis, demand, { right }));
  svg.append(group);
}

function drag(event, scale, axis, demand, { right }) {
  event.preventDefault();
  const box = plane.getBoundingClientRect();
  const move = ({ clientX, clientY }) => {
    const pixel = axis === "x" ? clientX - box.left : clientY - box.top;
    const none = axis === "x" ? pixel >= right : pixel <= MARGIN.top;
    const value = scale.invert(pixel);
    setDemand(demand, none ? null : demand === "min_accuracy" ? 1 - value : value);
  };
  addEventListener("pointermove", move);
  const stop = () => removeEventListener("pointermove", move);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, stop, { once: true });
}
