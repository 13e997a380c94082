//! The table of what int8 costs and saves: each int8 network beside the f32 network that it was
//! made of.

use super::comparison::{three_digits, time_and_energy};
use super::run_folder::Run;
use super::table::{Entry, Table, entry};
use super::units::percent_of;
use super::variant::{Kind, Variant};
use super::winner::Winner;
use common::manifest::Manifest;
use std::collections::BTreeSet;

/// An int8 network beside its f32 network.
struct Pair<'a> {
    name: &'a str,
    kind: Kind,
    f32: &'a Variant,
    int8: &'a Variant,
}

/// Returns the table: a row for each int8 network, columns for each platform and board; empty
/// without int8 networks.
pub(super) fn table(run: &Run) -> Table {
    let pairs = pairs(run);
    let platforms: BTreeSet<&String> =
        pairs.iter().flat_map(|pair| pair.int8.manifests.keys()).collect();
    let boards: BTreeSet<&String> =
        pairs.iter().flat_map(|pair| pair.int8.measurements.keys()).collect();
    let mut titles =
        vec![("rank".to_string(), true), ("variant".into(), false), ("accuracy".into(), true)];
    for platform in &platforms {
        titles.push((format!("constants, {platform}"), true));
        titles.push((format!("working memory, {platform}"), true));
    }
    for board in &boards {
        titles.push((format!("speedup, {board}"), true));
        titles.push((format!("energy efficiency, {board}"), true));
    }
    let mut table = Table::new(titles.iter().map(|(title, numeric)| (title.as_str(), *numeric)));
    table.set_keys(&["rank", "variant"]);
    for pair in &pairs {
        let mut row =
            vec![Ok(pair.name.to_string()), Ok(pair.kind.name().to_string()), pair.accuracy()];
        for platform in &platforms {
            row.extend(
                [|m: &Manifest| m.weights_bytes, |m: &Manifest| m.arena_bytes]
                    .map(|bytes: fn(&Manifest) -> u64| pair.bytes(platform, bytes)),
            );
        }
        for board in &boards {
            let [energy, time] = pair.time_and_energy(board);
            row.extend([time, energy]);
        }
        table.push(row);
    }
    table
}

/// Returns the explanation of the numbers.
pub(super) fn hint() -> &'static str {
    "Each int8 network beside the f32 network that it was made of: the difference of the test accuracies, and how many \
     times smaller the bytes, the median latency and the energy of one inference are, so above 1 is in favour of int8. \
     Behind a ~ the difference may be noise."
}

fn pairs(run: &Run) -> Vec<Pair<'_>> {
    run.winners.iter().flat_map(pairs_of).collect()
}

fn pairs_of(winner: &Winner) -> Vec<Pair<'_>> {
    let kinds = [(Kind::DenseInt8, &winner.dense), (Kind::PrunedInt8, &winner.pruned)];
    let mut pairs = Vec::new();
    for (kind, f32) in kinds {
        if let Some(int8) = &f32.int8 {
            pairs.push(Pair { name: &winner.name, kind, f32, int8 });
        }
    }
    pairs
}

impl Pair<'_> {
    fn accuracy(&self) -> Entry {
        self.made()?;
        let tests = self.f32.test.as_ref().zip(self.int8.test.as_ref());
        entry(tests, "not tested in both precisions", |(f32, int8)| {
            let points = (int8.accuracy - f32.accuracy) * 100.0;
            let decimals = if int8.images >= 5_000 { 2 } else { 1 };
            let accuracy = percent_of(int8.accuracy, int8.images);
            format!("{accuracy} ({points:+.decimals$} points)")
        })
    }

    fn bytes(&self, platform: &str, of: fn(&Manifest) -> u64) -> Entry {
        self.made()?;
        let manifests = [self.f32, self.int8].map(|variant| variant.manifests.get(platform));
        let both = manifests[0].zip(manifests[1]).map(|(f32, int8)| (of(f32), of(int8)));
        let both = both.filter(|(_, int8)| *int8 > 0);
        entry(both, format!("there are not both crates for {platform}: `make codegen`"), |bytes| {
            format!("{}x", three_digits(bytes.0 as f64 / bytes.1 as f64))
        })
    }

    fn time_and_energy(&self, board: &str) -> [Entry; 2] {
        let both = self.int8.measurement(board).and_then(|int8| {
            let f32 = self.f32.measurement(board).map_err(|reason| format!("f32: {reason}"))?;
            Ok((f32, int8))
        });
        match both {
            Ok((f32, int8)) => time_and_energy(f32, int8),
            Err(reason) => [Err(reason.clone()), Err(reason)],
        }
    }

    /// Fails with the reason if there is no int8 network.
    fn made(&self) -> Result<(), String> {
        self.int8.refusal.clone().map_or(Ok(()), Err)
    }
}
