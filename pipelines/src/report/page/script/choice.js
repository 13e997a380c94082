// The rule by which a network is chosen, as `explore choose` has it: the first, in the order of an
// objective, that meets all demands. Validation accuracy decides; test accuracy never does.

const DEMANDS = {
  max_latency_s: "latency_s",
  max_energy_j: "energy_j",
  max_power_w: "power_w",
  max_flash_bytes: "flash_bytes",
  max_arena_bytes: "arena_bytes",
  min_accuracy: "validation_accuracy",
};
const OBJECTIVES = {
  accuracy: ["validation_accuracy", -1],
  latency: ["latency_s", 1],
  energy: ["energy_j", 1],
  parameters: ["parameters", 1],
};

/** Returns the networks that are measured on a board; on an emulated one, those with a crate for it. */
function candidates(board) {
  const ready = (on) => on && (on.emulated ? on.arena_bytes : on.latency_s) !== null;
  const measured = run.networks.filter(({ boards }) => ready(boards[board]));
  return measured.map(({ name, validation, parameters, boards: { [board]: on } }) => ({
    network: name,
    validation_accuracy: validation?.accuracy ?? null,
    parameters,
    latency_s: on.emulated ? null : on.latency_s,
    energy_j: on.emulated ? null : on.energy_j,
    power_w: on.emulated ? null : on.power_w,
    flash_bytes: on.flash_bytes,
    arena_bytes: on.arena_bytes,
  }));
}

/** Compares two values, of which an unknown one is the larger. */
function ascending(a, b) {
  return a === null || b === null ? (a === null) - (b === null) : a - b;
}

/** Compares two networks: the better one is less. */
function compare(objective, a, b) {
  const by = (name) => {
    const [key, sign] = OBJECTIVES[name];
    const [left, right] = [a[key], b[key]].map((value) => (value === null ? null : sign * value));
    return ascending(left, right);
  };
  return by(objective) || by("accuracy") || by("parameters") || by("latency")
    || (a.network > b.network) - (a.network < b.network);
}

/** Returns the demands that a network fails. An unknown value fails a demand on it. */
function failedBy(network, demands, objective) {
  const fails = (name) => {
    const value = network[DEMANDS[name]];
    return value === null || (name === "min_accuracy" ? value < demands[name] : value > demands[name]);
  };
  const unknown = network[OBJECTIVES[objective][0]] === null ? ["objective"] : [];
  return [...Object.keys(demands).filter(fails), ...unknown];
}

/** Returns the largest share of a limit by which a network fails its demand. */
function excess({ network, by }, demands) {
  const of = (name) => {
    const value = network[DEMANDS[name]] ?? null;
    return value === null ? Infinity : Math.abs(value - demands[name]) / demands[name];
  };
  return Math.max(...by.map(of));
}

/** Returns what a demand costs: the value of the objective that is lost by it. */
function cost(name, excluded, chosen, objective) {
  const without = excluded.find(({ by }) => by.length === 1 && by[0] === name);
  if (!without || compare(objective, without.network, chosen) >= 0) return 0;
  const [key] = OBJECTIVES[objective];
  return Math.abs(without.network[key] - chosen[key]);
}

/** Returns the network that fails the fewest demands, and those by the least. */
function nearest(excluded, demands) {
  const closer = (a, b) => a.by.length < b.by.length
    || (a.by.length === b.by.length && excess(a, demands) < excess(b, demands));
  return excluded.reduce((best, other) => (best && !closer(other, best) ? best : other), null);
}

/** Chooses among candidates. */
function choose(networks, demands, objective) {
  const sorted = [...networks].sort((a, b) => compare(objective, a, b));
  const judged = sorted.map((network) => ({ network, by: failedBy(network, demands, objective) }));
  const eligible = judged.filter(({ by }) => by.length === 0).map(({ network }) => network);
  const excluded = judged.filter(({ by }) => by.length > 0);
  const [chosen = null, runnerUp = null] = eligible;
  const costs = Object.keys(demands).map((name) => [name, chosen && cost(name, excluded, chosen, objective)]);
  return { chosen, runnerUp, eligible, excluded, costs, nearest: chosen ? null : nearest(excluded, demands) };
}
