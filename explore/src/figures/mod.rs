//! The figures of a search, drawn anew after each iteration.

mod activations;
mod axes;
mod cost;
mod fit;
mod front;
mod progress;

pub(crate) use axes::pixel;

use crate::controller::Search;
use anyhow::{Result, anyhow};
use common::atomic;
use common::search_files::SearchConfig;
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea, SVGBackend, WHITE};
use std::path::Path;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

/// Writes `front.svg`, every evaluation and the archive's front; `progress.svg`, hypervolume and Score by iteration (Fig. 3 of the
/// paper); `activations.svg`, which activations the populations have (Fig. 4); and, where networks were measured,
/// `cost.svg`, latency and energy by parameters (Fig. 1b).
///
/// # Errors
/// A figure that cannot be drawn or written.
pub fn write_all(folder: &Path, search: &Search, config: &SearchConfig) -> Result<()> {
    let iterations = config.search.iterations;
    let write = |name: &str, svg: String| atomic::write(&folder.join(name), svg.as_bytes());
    write("front.svg", front::draw(search, iterations)?)?;
    write("progress.svg", progress::draw(search, iterations)?)?;
    write("activations.svg", activations::draw(search, iterations)?)?;
    match cost::draw(search, iterations)? {
        Some(svg) => write("cost.svg", svg),
        None => Ok(()),
    }
}

/// An SVG of a width and height in pixels, filled in on white.
fn svg(size: (u32, u32), fill: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let draw = || -> Drawn {
            area.fill(&WHITE)?;
            fill(&area)?;
            Ok(area.present()?)
        };
        draw().map_err(|error| anyhow!("cannot draw the figure: {error}"))?;
    }
    Ok(svg)
}
