//! The form with which the front is explored. It is hidden until the page's script fills it; the
//! names of its fields are those that the script reads.

use super::content::Content;
use maud::{Markup, html};

/// An axis: the key of its values, its name, its unit, and the demand on it.
struct Axis {
    key: &'static str,
    name: &'static str,
    unit: &'static str,
    demand: Option<&'static str>,
}

const fn axis(key: &'static str, name: &'static str, unit: &'static str) -> Axis {
    Axis { key, name, unit, demand: None }
}

const fn demanded(
    key: &'static str,
    name: &'static str,
    unit: &'static str,
    demand: &'static str,
) -> Axis {
    Axis { key, name, unit, demand: Some(demand) }
}

const ERRORS: [Axis; 2] = [
    demanded("error", "validation error", "%", "min_accuracy"),
    axis("test_error", "test error (decides nothing)", "%"),
];
const COSTS: [Axis; 6] = [
    axis("parameters", "trainable parameters", ""),
    axis("macs", "MACs", ""),
    demanded("latency_s", "latency", "s", "max_latency_s"),
    demanded("energy_j", "energy", "J", "max_energy_j"),
    demanded("flash_bytes", "flash", "B", "max_flash_bytes"),
    demanded("arena_bytes", "working memory", "B", "max_arena_bytes"),
];

/// A demand: its name, what it is about, and its unit as a power of ten.
struct Demand {
    name: &'static str,
    about: &'static str,
    unit: &'static str,
    power: i32,
}

const DEMANDS: [Demand; 6] = [
    Demand { name: "max_latency_s", about: "latency", unit: "ms", power: -3 },
    Demand { name: "max_energy_j", about: "energy", unit: "mJ", power: -3 },
    Demand { name: "max_power_w", about: "power", unit: "W", power: 0 },
    Demand { name: "max_flash_bytes", about: "flash", unit: "kB", power: 3 },
    Demand { name: "max_arena_bytes", about: "working memory", unit: "kB", power: 3 },
    Demand { name: "min_accuracy", about: "validation accuracy", unit: "%", power: -2 },
];

const OBJECTIVES: [(&str, &str); 4] = [
    ("accuracy", "validation accuracy"),
    ("latency", "latency"),
    ("energy", "energy"),
    ("parameters", "parameters"),
];

const LAYERS: [(&str, &str); 4] = [
    ("search", "candidates of the search"),
    ("stopped", "stopped trainings"),
    ("f32", "networks in f32"),
    ("int8", "networks in int8"),
];

/// Returns the form.
pub(super) fn form(content: &Content<'_>) -> Markup {
    let boards = &content.data.boards;
    html! {
        form.explorer #explorer hidden autocomplete="off" {
            div.controls {
                (axis_chooser("x", "Across", &COSTS, true))
                (axis_chooser("y", "Up", &ERRORS, false))
                (layers(boards))
            }
            div.plane #plane {}
            div.readout #readout {
                p.hint { "Point at a network, or go to it by the keyboard; a click leads to its row." }
            }
            p.hint #missing {}
            (demands(boards))
            div.answer #answer role="status" {}
        }
    }
}

fn axis_chooser(name: &str, label: &str, first: &[Axis], logarithmic: bool) -> Markup {
    let others: &[Axis] = if name == "x" { &ERRORS } else { &COSTS };
    html! {
        fieldset {
            legend { (label) }
            select name=(name) aria-label={ (label) ": axis" } {
                @for Axis { key, name, unit, demand } in first.iter().chain(others) {
                    option value=(key) data-unit=(unit) data-demand=[demand] { (name) }
                }
            }
            label.tick {
                input type="checkbox" name="log" value=(name) checked[logarithmic];
                "logarithmic"
            }
        }
    }
}

fn layers(boards: &[String]) -> Markup {
    html! {
        fieldset {
            legend { "Layers" }
            @for (value, name) in LAYERS {
                label.tick { input type="checkbox" name="layer" value=(value) checked; (name) }
            }
            @for (index, board) in boards.iter().enumerate() {
                label.tick {
                    input type="checkbox" name="shown" value=(board) checked;
                    span class={ "key board-" (index % 4) } {}
                    "board " (board)
                }
            }
        }
    }
}

fn demands(boards: &[String]) -> Markup {
    html! {
        fieldset.demands {
            legend { "Demands" }
            label { "Board" select name="board" {
                @for board in boards { option value=(board) { (board) } }
            } }
            label { "Best by" select name="objective" {
                @for (value, name) in OBJECTIVES { option value=(value) { (name) } }
            } }
            div.limits { @for demand in &DEMANDS { (demand_fields(demand)) } }
        }
    }
}

/// Returns the fields of a demand: a slider whose end is no demand, and the number.
fn demand_fields(Demand { name, about, unit, power }: &Demand) -> Markup {
    let bound = if *name == "min_accuracy" { "at least" } else { "at most" };
    html! {
        div.demand {
            label for=(name) { (about) " " (bound) }
            input type="range" min="0" max="200" value="200" data-demand=(name)
                aria-label={ "slider: " (about) " " (bound) };
            span {
                input type="number" id=(name) name=(name) min="0" step="any" placeholder="any"
                    data-power=(power) data-words=(about);
                " " (unit)
            }
        }
    }
}
