// The answer to the demands, and what happens at the plane's points.

const LOST = {
  accuracy: (value) => `${(value * 100).toFixed(2)} points of validation accuracy`,
  latency: (value) => `${si(value, "s")} of latency`,
  energy: (value) => `${si(value, "J")} of energy`,
  parameters: (value) => `${si(value)} parameters`,
};
const words = (name) => (name === "objective" ? "the objective is not known" : form.elements[name].dataset.words);

function described({ network }) {
  const { facts } = networkPoint(run.networks.find(({ name }) => name === network), form.elements.board.value);
  const wanted = ["validation accuracy", "test accuracy", "parameters", "latency", "energy", "power"];
  const known = facts.filter(([term, value]) => wanted.includes(term) && value !== null && !/^not known/.test(value));
  return known.map((fact) => fact.join(" ")).join(", ");
}

/** Returns the command that gives the same answer. */
function command(made) {
  const options = Object.entries(made).map(([name, limit]) => `--${name.replaceAll("_", "-")} ${limit}`);
  const { board, objective } = form.elements;
  return ["explore choose --run", run.name, "--board", board.value, ...options, "--objective", objective.value].join(" ");
}

/** Writes what the rule chooses. */
function tell(made, { chosen, runnerUp, eligible, excluded, costs, nearest: near }) {
  const lines = [];
  const say = (id, ...what) => lines.push(element("p", { id }, ...what));
  const total = eligible.length + excluded.length;
  say("left", `${eligible.length} of ${total} networks on ${form.elements.board.value} meet the demands.`);
  if (chosen) say("chosen", "Chosen: ", element("strong", {}, chosen.network), ` (${described(chosen)}).`);
  if (runnerUp) say("runner-up", "Runner-up: ", element("strong", {}, runnerUp.network), ` (${described(runnerUp)}).`);
  for (const [name, value] of chosen ? costs : []) {
    const lost = value > 0 ? LOST[form.elements.objective.value](value) : "nothing";
    say("", `The demand on ${words(name)} costs ${lost}.`);
  }
  if (near) say("nearest", "Nearest: ", element("strong", {}, near.network.network), `, which fails ${near.by.map(words).join(", ")}.`);
  const failed = (name) => excluded.filter(({ by }) => by.includes(name)).map(({ network }) => network.network);
  for (const name of Object.keys(made)) {
    if (failed(name).length > 0) say("", `Excluded by ${words(name)}: ${failed(name).join(", ")}.`);
  }
  if (total > 0) say("", element("code", {}, command(made)));
  document.getElementById("answer").replaceChildren(...lines);
}

function update() {
  const made = demands();
  const choice = choose(candidates(form.elements.board.value), made, form.elements.objective.value);
  placeSliders(made);
  draw(made, choice);
  tell(made, choice);
}

/** Shows what is known of a point. */
function show(point) {
  if (!point || point === shown) return;
  shown?.group.classList.remove("shown");
  point.group.classList.add("shown");
  shown = point;
  const facts = point.facts.filter(([, value]) => value !== null);
  const pairs = facts.map(([term, value]) => element("div", {}, element("dt", {}, term), element("dd", {}, value)));
  readout.replaceChildren(element("dl", {}, ...pairs));
}

function openAround(part) {
  for (let one = part?.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
}

/** Goes to the row of a point, and opens its panel. */
function select(point) {
  if (!point) return;
  show(point);
  openAround(document.getElementById(point.anchor));
  const row = [...document.querySelectorAll("tr[data-row]")].find(({ dataset }) => dataset.row === point.row);
  document.querySelector("tr.selected")?.classList.remove("selected");
  if (!row) return;
  openAround(row);
  row.classList.add("selected");
  row.tabIndex = -1;
  row.focus();
}

/** Returns the point that a pointer is at. */
function pointAt({ clientX, clientY }) {
  const box = plane.getBoundingClientRect();
  const far = ({ px, py }) => Math.hypot(px + box.left - clientX, py + box.top - clientY);
  const best = points.reduce((near, point) => (near && far(near) < far(point) ? near : point), null);
  return best && far(best) < 22 ? best : null;
}

/** Goes from point to point by arrow keys. */
function steer(event) {
  const index = points.findIndex(({ group }) => group === event.target);
  const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
  if (index < 0 || (!step && event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  if (!step) return select(points[index]);
  const next = points[Math.min(Math.max(index + step, 0), points.length - 1)];
  points[index].group.setAttribute("tabindex", -1);
  next.group.setAttribute("tabindex", 0);
  next.group.focus();
}

if (form) {
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => (target.dataset.demand ? slide(target) : update()));
  plane.addEventListener("pointermove", (event) => show(pointAt(event)));
  plane.addEventListener("click", (event) => select(pointAt(event)));
  plane.addEventListener("focusin", ({ target }) => show(points.find(({ group }) => group === target)));
  plane.addEventListener("keydown", steer);
  addEventListener("resize", update);
  update();
}
