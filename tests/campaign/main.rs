//! A campaign of kills: the pipeline on digits is killed at random moments, in several ways, and run
//! again, which must end with the bytes of an undisturbed run. Nothing may be left over, no process
//! and no file.
//!
//!     make test-faults KILLS=200 FAULTS_SEED=7

#![cfg(target_os = "linux")]

mod kill;
mod pipeline;
mod processes;
#[path = "../tools.rs"]
mod tools;

use kill::Kill;
use pipeline::{Finished, Pipeline, VARIANTS, Variant};
use rand::RngExt;
use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::time::{Duration, Instant};

/// Kills without `KILLS`, in all variants but the last one, which builds crates.
const KILLS: usize = 6;

/// For which processes may go on after a kill, on a machine with other work.
const AT_MOST: Duration = Duration::from_secs(20);

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn a_killed_pipeline_ends_with_the_same_bytes() {
    if !Path::new("/proc/self/cmdline").exists() {
        return tools::skip("/proc", "kills of the pipeline");
    }
    let kills = number("KILLS", KILLS as u64) as usize;
    let (seed, first) = (number("FAULTS_SEED", 0), number("FAULTS_FIRST", 0) as usize);
    let builds_crates = |kill: &usize| kill % VARIANTS.len() == VARIANTS.len() - 1;
    let left_out = |kill: &usize| env::var_os("KILLS").is_none() && builds_crates(kill);
    let chosen: Vec<usize> = (first..).filter(|kill| !left_out(kill)).take(kills).collect();
    let mut faults = Vec::new();
    for (index, variant) in VARIANTS.iter().enumerate() {
        let mut of_variant =
            chosen.iter().copied().filter(|kill| kill % VARIANTS.len() == index).peekable();
        if of_variant.peek().is_none() {
            continue;
        }
        let undisturbed = Pipeline::new(variant).finish().unwrap();
        for kill in of_variant {
            // The numbers of variants and ways have no common divisor, so all pairs occur.
            let way = Kill::ALL[kill % Kill::ALL.len()];
            match disturb(variant, way, &undisturbed, (seed, kill)) {
                Ok(longest) => println!(
                    "kill {kill} ({}, {way:?}): the same bytes; processes went on for {} ms",
                    variant.name,
                    longest.as_millis()
                ),
                Err(fault) => faults.push(format!(
                    "kill {kill} ({}, {way:?}): {fault}; again: make test-faults KILLS=1 \
                     FAULTS_FIRST={kill} FAULTS_SEED={seed}",
                    variant.name
                )),
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Kills a run and runs it again; returns for how long processes went on, or fails with what is wrong
/// then.
fn disturb(
    variant: &'static Variant,
    way: Kill,
    undisturbed: &Finished,
    (seed, kill): (u64, usize),
) -> Result<Duration, String> {
    let pipeline = Pipeline::new(variant);
    let mut rng = common::seed::stream(seed, &format!("kill-{kill}"));
    let mut longest = Duration::ZERO;
    for _ in 0..way.times() {
        let after = undisturbed.took.mul_f64(rng.random_range(0.0..1.0));
        way.kill(&pipeline, after, rng.random_range(0..usize::MAX));
        let killed = Instant::now();
        let left = processes::wait_until_gone(pipeline.folder(), AT_MOST);
        if !left.is_empty() {
            return Err(format!("processes go on: {left:?}"));
        }
        longest = longest.max(killed.elapsed());
    }
    let finished = pipeline.finish()?;
    let (is, was) = (&finished.files, &undisturbed.files);
    let all: BTreeSet<_> = is.keys().chain(was.keys()).collect();
    let differing: Vec<_> =
        all.into_iter().filter(|file| is.get(*file) != was.get(*file)).collect();
    if differing.is_empty() { Ok(longest) } else { Err(format!("files differ: {differing:?}")) }
}
