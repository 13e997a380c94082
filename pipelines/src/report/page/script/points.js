// The points of the plane: candidates of the search, and networks on boards.

function accuracyText(found) {
  if (!found) return null;
  const shown = percent(found.accuracy, found.n);
  if (found.n === null) return `${shown} (of a number of images that is not known)`;
  const [low, high] = found.interval.map((share) => percent(share, found.n));
  return `${shown} (${low} to ${high}, n = ${found.n})`;
}

function known(value, unit, reason = null) {
  return value === null ? reason && `not known: ${reason}` : si(value, unit);
}

/** Returns what is measured of a candidate: on the search's board, or on each of several. */
function searchFacts(found) {
  const boards = Object.entries(found.boards ?? {});
  const all = boards.length > 0 ? boards.map(([name, costs]) => [`, ${name}`, costs]) : [["", found]];
  return all.flatMap(([place, costs]) => [
    [`latency${place}`, known(costs.latency_s ?? null, "s")],
    [`energy${place}`, known(costs.energy_j ?? null, "J")],
  ]);
}

/** Returns a candidate on the board of a search, or on one of several. */
function searchPoint(found, board = null) {
  const stopped = found.stopped_after !== null;
  return {
    layer: stopped ? "stopped" : "search",
    name: found.id,
    row: found.id,
    values: { ...found, ...found.boards?.[board], error: 1 - found.validation.accuracy, test_error: null },
    facts: [
      ["candidate", stopped ? `${found.id}, stopped after epoch ${found.stopped_after}` : found.id],
      ["genome", found.genome],
      ["validation accuracy", accuracyText(found.validation)],
      ["parameters", found.parameters.toLocaleString("en")],
      ["MACs", si(found.macs)],
      ...searchFacts(found),
    ],
  };
}

/** Returns the points of a candidate: one, or one for each board of the search that is not hidden. */
function searchPoints(found, shown, ofBoard) {
  const searched = ofBoard ? run.search_boards ?? [] : [];
  if (searched.length === 0) return [searchPoint(found)];
  const visible = searched.filter((board) => shown.includes(board) || !run.boards.includes(board));
  return visible.map((board) => searchPoint(found, board));
}

function networkPoint(network, board) {
  const on = network.boards[board];
  const remarks = on ? [board, on.emulated && "emulated", on.short && "short protocol"] : [];
  return {
    layer: network.precision,
    pruned: network.kind.startsWith("pruned"),
    name: network.name,
    row: network.name,
    anchor: network.anchor,
    board,
    values: {
      ...on,
      ...network,
      error: network.validation && 1 - network.validation.accuracy,
      test_error: network.test && 1 - network.test.accuracy,
    },
    facts: [
      ["network", network.individual ? `${network.name} (${network.individual})` : network.name],
      ["genome", network.genome],
      ["validation accuracy", accuracyText(network.validation)],
      ["test accuracy", accuracyText(network.test) ?? network.reason],
      ["parameters", network.parameters?.toLocaleString("en") ?? null],
      ["MACs", known(network.macs, "")],
      ["board", remarks.filter(Boolean).join(", ") || null],
      ["latency", on ? known(on.latency_s, "s", on.reason) : null],
      ["energy", on ? known(on.energy_j, "J", on.energy_reason) : null],
      ["power", on ? known(on.power_w, "W") : null],
      ["flash", on ? known(on.flash_bytes, "B") : null],
      ["working memory", on ? known(on.arena_bytes, "B") : null],
    ],
  };
}

/** Returns the points of some layers and boards; a network once if the axes are no board's. */
function pointsOf(layers, boards, axes) {
  const trained = run.evaluations.filter(({ validation }) => validation !== null);
  const ofBoard = axes.some((axis) => /^(latency|energy|flash|arena)/.test(axis));
  const shown = ofBoard ? boards : [boards[0] ?? null];
  const networks = shown.flatMap((board) => run.networks.map((network) => networkPoint(network, board)));
  const candidates = trained.flatMap((found) => searchPoints(found, boards, ofBoard));
  return [...candidates, ...networks].filter(({ layer }) => layers.includes(layer));
}
