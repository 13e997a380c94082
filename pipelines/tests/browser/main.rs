//! The page in a headless Chromium: at all sizes, light, dark and in print; its points, demands and
//! tables. Skipped where there is no Chromium.

mod choice;
mod driver;
#[path = "../fixture/mod.rs"]
#[allow(dead_code, reason = "the tests of the program use more of it")]
mod fixture;
mod layout;
mod panels;
mod pictures;
mod points;
mod tables;
#[path = "../../../tests/tools.rs"]
mod tools;

use common::measurement::{EnergyStatus, Measurement};
use driver::Page;
use fixture::Fixture;
use std::path::PathBuf;
use std::process::Command;

/// A page of a run, in a browser.
struct Shown {
    page: Page,
    file: PathBuf,
    _fixture: Fixture,
}

/// Shows the page of a run with networks in both precisions and with energy; `None` without a
/// browser.
fn show(scripts: bool) -> Option<Shown> {
    let chromium = tools::tool("chromium", "the page in a browser")?;
    let fixture = Fixture::new();
    for network in ["1/dense", "1/pruned", "2/dense"] {
        fixture.add_int8(network);
        for network in [network.to_string(), format!("{network}/int8")] {
            fixture.add_mistakes(&network);
            fixture.add_memory_figure(&network, 20);
        }
    }
    for (index, network) in ["1/dense", "1/dense/int8", "2/dense"].into_iter().enumerate() {
        let file = format!("networks/{network}/measurement-host.json");
        fixture.change(&file, |m: &mut Measurement| {
            m.energy.status = EnergyStatus::Measured;
            m.energy.reason = None;
            m.energy.gross_j = Some(0.004 / (1.0 + index as f64));
            m.energy.gross_interval_j = m.energy.gross_j.map(|joules| [joules, joules]);
            m.energy.gross_w = Some(7.0 - index as f64);
            m.energy.net_reason = Some("no idle reading".into());
        });
    }
    let written = Command::new(env!("CARGO_BIN_EXE_report"))
        .args(["--run".as_ref(), fixture.run().as_os_str()])
        .args(["--out".as_ref(), fixture.out().as_os_str()])
        .output()
        .unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let file = fixture.out().join("index.html");
    let page = Page::new(&chromium, scripts);
    page.set_medium(1440, "screen", "light");
    page.open(&file);
    Some(Shown { page, file, _fixture: fixture })
}

/// Returns the networks as the page's numbers have them.
fn networks(page: &Page) -> Vec<serde_json::Value> {
    page.json("JSON.parse(document.getElementById('run').textContent).networks")
        .as_array()
        .unwrap()
        .clone()
}
