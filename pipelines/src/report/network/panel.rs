//! The panel of a network: everything that its folder has, closed until it is clicked.

use super::mistakes::{self, Tested};
use super::widths::blocks;
use super::{boards, curves, drawing, layers, memory_figure, usage};
use crate::report::data::{NetworkData, RunData, anchor};
use crate::report::html::details;
use crate::report::memory_plan::MemoryPlan;
use crate::report::run_folder::Run;
use crate::report::units::{count, percent_of};
use crate::report::variant::{Kind, Variant};
use crate::report::winner::Winner;
use common::eval_report::EvalReport;
use common::manifest::Manifest;
use common::network::Network;
use common::network::shapes::shapes;
use maud::{Markup, html};

/// A network with what its panel is made of.
struct Panel<'a> {
    winner: &'a Winner,
    kind: Kind,
    variant: &'a Variant,
    numbers: &'a NetworkData,
    /// Whether pictures of mistakes are shown.
    pictures: bool,
}

/// Returns the panels of all networks of a run; `data` has its numbers.
pub(crate) fn panels(run: &Run, data: &RunData, pictures: bool) -> Markup {
    html! {
        @for ((winner, kind, variant), numbers) in run.variants().zip(&data.networks) {
            (Panel { winner, kind, variant, numbers, pictures }.markup())
        }
    }
}

impl Panel<'_> {
    fn markup(&self) -> Markup {
        html! {
            details id=(self.numbers.anchor) {
                summary { (self.summary()) }
                @if let Some(reason) = &self.numbers.reason { p { (reason) } }
                @if let Some(network) = &self.variant.network {
                    (self.structure(network))
                    @if let Some(test) = &self.variant.test { (self.mistakes(test, network)) }
                    // A network that was refused, or whose training diverged, gets no crates.
                    @if self.variant.refusal.is_none() && !self.variant.diverged() {
                        (self.crates())
                    }
                }
            }
        }
    }

    fn crates(&self) -> Markup {
        html! {
            (self.memory())
            h3 { "Measurements" }
            (boards::table(self.variant, self.numbers))
            h3 { "Use it" }
            (usage::crates(&self.variant.manifests, &self.folder()))
        }
    }

    fn summary(&self) -> String {
        let test = self.numbers.test.as_ref();
        let accuracy = test.map(|test| {
            format!("{} of {} test images", percent_of(test.accuracy, test.n), count(test.n as u64))
        });
        let parameters = self.numbers.parameters.map(|n| format!("{} parameters", count(n)));
        let facts: Vec<String> =
            [self.numbers.genome.clone(), accuracy, parameters].into_iter().flatten().collect();
        let name = self.variant.called(&self.numbers.name);
        if facts.is_empty() { name } else { format!("{name}: {}", facts.join(", ")) }
    }

    /// Returns the layers and how the weights were made. The panel of the network in f32 shows
    /// those of an int8 form.
    fn structure(&self, network: &Network) -> Markup {
        let f32 = match self.kind {
            Kind::DenseInt8 => Some(Kind::Dense),
            Kind::PrunedInt8 => Some(Kind::Pruned),
            Kind::Dense | Kind::Pruned => None,
        };
        html! {
            @if let Some(kind) = f32 {
                p {
                    "Its layers, and their int8 errors, are in the panel of "
                    a href={ "#" (anchor(self.winner, kind)) } {
                        (self.winner.name) "/" (kind.folder())
                    } "."
                }
            } @else {
                h3 { "Layers" }
                (self.layers(network))
                (self.training())
            }
        }
    }

    fn layers(&self, network: &Network) -> Markup {
        let (dense, pruned) = (&self.winner.dense, &self.winner.pruned);
        let before = dense.network.as_ref().unwrap_or(network);
        let int8 = self.variant.int8.as_ref().and_then(|int8| int8.quantization.as_ref());
        // A network that has been read has shapes.
        let shapes = shapes(network).unwrap_or_default();
        html! {
            (drawing::draw(&blocks(before, pruned.network.as_ref())))
            (details("Table of layers", layers::table(network, &shapes, int8)))
        }
    }

    fn training(&self) -> Markup {
        html! {
            @if let Some(report) = &self.variant.train {
                h3 { "Training" } (curves::training(report))
            }
            @if let Some(report) = &self.variant.prune {
                h3 { "Pruning" } (curves::pruning(report))
            }
        }
    }

    fn mistakes(&self, test: &EvalReport, network: &Network) -> Markup {
        let (name, before) = self.before();
        let tested = Tested {
            test,
            classes: &network.classes,
            before: before.and_then(|variant| Some((name.as_str(), variant.test.as_ref()?))),
            again: self.eval(),
            pictures: self.pictures,
        };
        html! { h3 { "Right and wrong" } (mistakes::part(&tested)) }
    }

    /// Returns the network that this one was made of, with its name.
    fn before(&self) -> (String, Option<&Variant>) {
        let (kind, variant) = match self.kind {
            Kind::Dense => (Kind::Dense, None),
            Kind::DenseInt8 | Kind::Pruned => (Kind::Dense, Some(&self.winner.dense)),
            Kind::PrunedInt8 => (Kind::Pruned, Some(&self.winner.pruned)),
        };
        (format!("{}/{}", self.winner.name, kind.folder()), variant)
    }

    /// Returns the command that tests the network again.
    fn eval(&self) -> String {
        let folder = self.folder();
        let weights = match self.kind {
            Kind::Dense | Kind::Pruned => {
                format!("--network {folder}/network.json --weights {folder}/weights.safetensors")
            }
            Kind::DenseInt8 | Kind::PrunedInt8 => {
                let f32 = folder.trim_end_matches("/int8");
                format!("--network {f32}/network.json --quantized {folder}")
            }
        };
        format!("train eval {weights} --dataset \"$DATA\" --split test --out {folder}/test.json")
    }

    fn memory(&self) -> Markup {
        let Variant { manifests, memory, .. } = self.variant;
        let crates: Vec<(&str, &Manifest, Option<&MemoryPlan>)> = manifests
            .iter()
            .map(|(platform, manifest)| (platform.as_str(), manifest, memory.get(platform)))
            .collect();
        html! {
            @if !crates.is_empty() { h3 { "Memory" } (memory_figure::plans(&crates)) }
        }
    }

    /// Returns the network's folder, relative to the run.
    fn folder(&self) -> String {
        format!("networks/{}/{}", self.winner.name, self.kind.folder())
    }
}
