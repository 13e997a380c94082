//! The comparison of networks with a baseline, as in the paper's Table 3: speedup and energy
//! efficiency.

use super::run_folder::Run;
use super::table::{Entry, Table, entry};
use super::variant::{DIVERGED, Variant};
use anyhow::{Result, bail};
use common::measurement::{Communication, Measurement, RUN_TO_RUN_NOISE};
use common::network::counts::network_information_density;

/// A network and its name in the table.
pub(super) struct Named<'a> {
    pub(super) name: String,
    pub(super) variant: &'a Variant,
}

/// Returns the comparison: a row for each network, columns for each board.
///
/// # Errors
/// Fails if no network, or more than one, has the baseline's name.
pub(super) fn table(run: &Run, baseline: &str) -> Result<Table> {
    let networks = networks(run);
    let base = find(&networks, baseline)?;
    let boards = run.boards();
    let mut titles = vec![("network".to_string(), false), ("NID".to_string(), true)];
    for board in &boards {
        titles.extend(
            ["energy efficiency", "speedup"].map(|title| (format!("{title}, {board}"), true)),
        );
        if has_communication(&networks, board) {
            titles.extend(
                ["kernel speedup", "D2H/H2D speedup"]
                    .map(|title| (format!("{title}, {board}"), true)),
            );
        }
    }
    let mut table = Table::new(titles.iter().map(|(title, numeric)| (title.as_str(), *numeric)));
    for network in &networks {
        let is_base = std::ptr::eq(network.variant, base.variant);
        let mut row = vec![Ok(title(network, is_base)), nid(network.variant)];
        for board in &boards {
            let cells = if has_communication(&networks, board) { 4 } else { 2 };
            let both = base
                .variant
                .measurement(board)
                .and_then(|b| Ok((b, network.variant.measurement(board)?)));
            row.extend(match both {
                Ok(_) if is_base => vec![Ok("1".to_string()); cells],
                Ok((base, record)) => entries(base, record, cells),
                Err(reason) => vec![Err(reason); cells],
            });
        }
        table.push(row);
    }
    Ok(table)
}

/// Returns the explanation of the numbers.
pub(super) fn hint() -> &'static str {
    "Above 1 is in favour of the network, below 1 of the baseline (*). Speedup is of the median latency, energy \
     efficiency of everything the meter saw for one inference. Behind a ~ the 95 % intervals of the two overlap or are \
     within 2 % of it, by which runs of one program differ: the difference may be noise."
}

/// Returns the networks of the run that can be compared: the winners', then the baselines.
pub(super) fn networks(run: &Run) -> Vec<Named<'_>> {
    let winners = run.variants().map(|(winner, kind, variant)| {
        let name = format!("{}/{}", winner.name, kind.folder());
        Named { name, variant }
    });
    let baselines =
        run.baselines.iter().map(|(name, variant)| Named { name: name.clone(), variant });
    let is_there =
        |network: &Named| network.variant.network.is_some() && network.variant.refusal.is_none();
    winners.chain(baselines).filter(is_there).collect()
}

/// Finds a network by its name in the table, or by that of its measured crate.
///
/// # Errors
/// Fails if no network, or more than one, has the name.
pub(super) fn find<'a>(networks: &'a [Named<'a>], name: &str) -> Result<&'a Named<'a>> {
    let called = |network: &&Named| {
        network.name == name
            || network.variant.measurements.values().any(|record| record.ran.name == name)
    };
    let found: Vec<&Named> = networks.iter().filter(called).collect();
    match found[..] {
        [network] => Ok(network),
        [] => {
            let names: Vec<&str> = networks.iter().map(|network| network.name.as_str()).collect();
            bail!("the run has no network {name:?} to compare with; it has {}", names.join(", "))
        }
        [..] => bail!(
            "several networks of the run are called {name:?}; give --baseline a name such as 1/dense"
        ),
    }
}

/// Returns the name with marks: `*` for the baseline, and `(untrained)` for a network that has a
/// latency but no meaningful accuracy.
fn title(network: &Named, is_base: bool) -> String {
    let untrained = network.variant.train.is_none()
        && network.variant.prune.is_none()
        && network.variant.test.is_none();
    let name = network.variant.called(&network.name);
    format!(
        "{}{name}{}",
        if is_base { "* " } else { "" },
        if untrained { " (untrained)" } else { "" }
    )
}

fn nid(variant: &Variant) -> Entry {
    let nid = variant.test.as_ref().zip(variant.counts);
    let nid =
        nid.map(|(test, counts)| network_information_density(test.accuracy, counts.parameters));
    let unknown =
        if variant.diverged() { DIVERGED } else { "not tested: NID needs a test accuracy" };
    entry(nid, unknown, |nid| format!("{nid:.2}"))
}

fn has_communication(networks: &[Named], board: &str) -> bool {
    let measured = networks.iter().filter_map(|network| network.variant.measurement(board).ok());
    measured.into_iter().any(|record| record.communication.is_some())
}

fn entries(base: &Measurement, record: &Measurement, cells: usize) -> Vec<Entry> {
    if base.emulated || record.emulated {
        return vec![Err(emulated(record)); cells];
    }
    let mut entries = time_and_energy(base, record).to_vec();
    if cells > 2 {
        entries.extend(communication(base, record));
    }
    entries
}

/// Returns the energy efficiency and the speedup of a network against another one, whose record is
/// the first.
pub(super) fn time_and_energy(base: &Measurement, record: &Measurement) -> [Entry; 2] {
    if base.emulated || record.emulated {
        return [Err(emulated(record)), Err(emulated(record))];
    }
    [efficiency(base, record), Ok(speedup(base, record))]
}

fn emulated(record: &Measurement) -> String {
    format!("{} is emulated: its times say nothing about a board", record.board)
}

fn efficiency(base: &Measurement, record: &Measurement) -> Entry {
    let of = |m: &Measurement| {
        let reason =
            || format!("no energy on {}: {}", m.board, m.energy.reason.clone().unwrap_or_default());
        m.energy.gross_j.zip(m.energy.gross_interval_j).ok_or_else(reason)
    };
    let (base, record) = (of(base)?, of(record)?);
    Ok(ratio(base, record))
}

fn speedup(base: &Measurement, record: &Measurement) -> String {
    let of = |m: &Measurement| (m.latency.p50_s, m.latency.p50_interval_s);
    ratio(of(base), of(record))
}

/// Formats how many times smaller the second value is than the first.
fn ratio(
    (base, [base_low, base_high]): (f64, [f64; 2]),
    (value, [low, high]): (f64, [f64; 2]),
) -> String {
    let near = |low: f64, high: f64| low <= high * (1.0 + RUN_TO_RUN_NOISE);
    let noise = if near(base_low, high) && near(low, base_high) { "~" } else { "" };
    format!("{noise}{}x", three_digits(base / value))
}

fn communication(base: &Measurement, record: &Measurement) -> [Entry; 2] {
    let (Some(base), Some(record)) = (base.communication, record.communication) else {
        let reason = || Err("copying and computing were not measured apart".to_string());
        return [reason(), reason()];
    };
    let times = |of: fn(&Communication) -> f64| three_digits(of(&base) / of(&record));
    let copies = format!("{}x/{}x", times(|c| c.d2h_s), times(|c| c.h2d_s));
    [Ok(format!("{}x", times(|c| c.kernel_s))), Ok(copies)]
}

/// Formats a ratio with three digits.
pub(super) fn three_digits(ratio: f64) -> String {
    let decimals = if ratio >= 100.0 {
        0
    } else if ratio >= 10.0 {
        1
    } else if ratio >= 0.1 {
        2
    } else {
        3
    };
    format!("{ratio:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_intervals_are_marked() {
        assert_eq!(ratio((3.0, [2.9, 3.1]), (2.0, [1.9, 2.1])), "1.50x");
        assert_eq!(ratio((2.0, [1.9, 2.1]), (3.0, [2.9, 3.1])), "0.67x");
        assert_eq!(ratio((3.0, [2.0, 3.1]), (2.0, [1.9, 2.1])), "~1.50x");
        assert_eq!(ratio((3.0, [2.9, 3.1]), (3.0, [2.9, 3.1])), "~1.00x");
        // The intervals do not overlap, but differ by less than two runs of one program.
        assert_eq!(ratio((1.619, [1.619; 2]), (1.612, [1.612; 2])), "~1.00x");
        assert_eq!(ratio((1.030, [1.030; 2]), (1.0, [1.0; 2])), "1.03x");
    }

    #[test]
    fn three_digits_of_any_ratio() {
        assert_eq!(
            [0.016, 0.5, 3.456, 27.7, 123.4].map(three_digits),
            ["0.016", "0.50", "3.46", "27.7", "123"]
        );
    }
}
