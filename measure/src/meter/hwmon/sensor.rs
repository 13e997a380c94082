//! The sensor of a board: the channels that the board's file names, sampled together.
//!
//! Each chip is a folder `class/hwmon/hwmonN` with its `name`. Only the channels that the board's
//! file names are read: the input rail, whose power contains that of the rails fed from it, or, on
//! a board without one, rails whose powers add up.

use super::channel::{Channel, watts};
use super::scan::{all, class};
use crate::board_files::BoardFiles;
use crate::meter::sampler::{PowerReader, Sampler};
use crate::reason::Reason;
use common::board::{Hwmon, Rails};
use std::path::Path;

/// A rail may seem to have more power than the rail that feeds it by this share and these watts,
/// since the two are not read at the same time.
const TOLERANCE: f64 = 0.1;
const TOLERANCE_W: f64 = 0.1;

/// Opens the channels that a board's file names.
///
/// # Errors
/// Fails if there is no such channel, if several have the name, or if one cannot be read.
pub(crate) fn open(board: BoardFiles, sysfs: &Path, wanted: &Hwmon) -> Result<Sampler, Reason> {
    let all = all(&board, sysfs)?;
    let mut found: Vec<&Channel> = vec![];
    let names: Vec<Option<&String>> = match &wanted.rail {
        Some(rails) => rails.names().iter().map(Some).collect(),
        None => vec![None],
    };
    for name in names {
        let channel = one(&all, &wanted.chip, name)
            .map_err(|reason| Reason::from(format!("{} {reason}", class(sysfs).display())))?;
        if found.contains(&channel) {
            return Err(format!(
                "the board's `hwmon.rail` names {} twice: its power would count twice",
                channel.name(&all)
            )
            .into());
        }
        found.push(channel);
    }
    if let (Some(Rails::One(rail)), [channel]) = (&wanted.rail, &found[..]) {
        check_input(&board, &all, rail, channel)?;
    }
    let tick_s = found.iter().map(|channel| channel.tick_s(&board)).fold(0.0, f64::max);
    let name = found.iter().map(|channel| channel.name(&all)).collect::<Vec<_>>().join(" + ");
    let channels: Vec<Channel> = found.into_iter().cloned().collect();
    let power: PowerReader = Box::new(move || watts(&board, &channels));
    Sampler::start(name, tick_s, power)
}

/// Checks that no other rail of the same chip shows more power than the rail that is named by its
/// label as the input.
///
/// # Errors
/// Fails if another rail shows more, or if the named one cannot be read.
fn check_input(
    board: &BoardFiles,
    all: &[Channel],
    rail: &str,
    input: &Channel,
) -> Result<(), Reason> {
    let input_w = watts(board, std::slice::from_ref(input))?;
    for other in all.iter().filter(|other| input.is_beside(rail, other)) {
        match watts(board, std::slice::from_ref(other)) {
            Ok(other_w) if other_w > input_w * (1.0 + TOLERANCE) + TOLERANCE_W => {
                return Err(format!(
                    "{} shows {other_w:.3} W and {} only {input_w:.3} W, so the latter is not the \
                     input of all power: list the rails whose powers add up in the board's \
                     `hwmon.rail`, or this rail alone if it is meant",
                    other.name(all),
                    input.name(all)
                )
                .into());
            }
            // A rail that cannot be read cannot contradict.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Returns the one channel that is meant.
///
/// # Errors
/// Returns what is wrong with the folder of all chips; the reason follows its path in a message.
fn one<'a>(all: &'a [Channel], chip: &str, rail: Option<&String>) -> Result<&'a Channel, Reason> {
    let found: Vec<&Channel> =
        all.iter().filter(|channel| channel.matches(chip, rail.map(String::as_str))).collect();
    let with = rail.map_or_else(String::new, |rail| format!(" with the rail {rail}"));
    let list = |channels: &[&Channel]| {
        channels.iter().map(|channel| channel.name(all)).collect::<Vec<_>>().join(", ")
    };
    match found[..] {
        [channel] => Ok(channel),
        [] => {
            let others: Vec<&Channel> = all.iter().collect();
            Err(format!("has no chip {chip}{with}, only {}", list(&others)).into())
        }
        [first, ..] => Err(format!(
            "has several channels of {chip}{with}: {}; the board's `hwmon.rail` must name the \
             input of all power, such as {:?}, or list the rails whose powers add up",
            list(&found),
            first.rail(all)
        )
        .into()),
    }
}

/// Returns the names of all channels of a board: chip and rail, as in a board's `hwmon`.
///
/// # Errors
/// Returns why there are none.
pub(crate) fn names(board: &BoardFiles, sysfs: &Path) -> Result<Vec<String>, Reason> {
    let all = all(board, sysfs)?;
    Ok(all.iter().map(|channel| channel.name(&all)).collect())
}

#[cfg(test)]
mod tests;
