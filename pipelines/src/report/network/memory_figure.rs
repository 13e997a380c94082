//! The drawing of a crate's working memory: what it holds at each step.

use super::ticks::{px, ticks};
use crate::report::memory_plan::{MemoryPlan, Part};
use crate::report::units::count;
use common::manifest::Manifest;
use maud::{Markup, html};

/// Width and height in pixels.
const SIZE: [f64; 2] = [320.0, 210.0];
/// The plot: pixels from the left, from the top, to the right, to the bottom.
const PLOT: [f64; 4] = [52.0, 28.0, 312.0, 172.0];
/// The most parts that are named.
const NAMED: usize = 4;

/// Returns the drawing of the plans of crates for some platforms; equal plans are drawn once.
pub(super) fn plans(crates: &[(&str, &Manifest, Option<&MemoryPlan>)]) -> Markup {
    let mut drawn: Vec<(Vec<&str>, &Manifest, &MemoryPlan)> = Vec::new();
    for (platform, manifest, plan) in crates {
        let Some(plan) = plan else { continue };
        let equal = drawn
            .iter_mut()
            .find(|(_, first, known)| known == plan && first.arena_bytes == manifest.arena_bytes);
        match equal {
            Some((platforms, ..)) => platforms.push(platform),
            None => drawn.push((vec![platform], manifest, plan)),
        }
    }
    let without: Vec<&str> = crates
        .iter()
        .filter(|(_, _, plan)| plan.is_none())
        .map(|(platform, ..)| *platform)
        .collect();
    html! {
        @if !drawn.is_empty() {
            div.plots {
                @for (platforms, manifest, plan) in &drawn { (one(platforms, manifest, plan)) }
            }
        }
        @if !without.is_empty() {
            p.hint {
                "No plan of the crate for " (without.join(", "))
                ": its memory.svg is missing, or of another version; " code { "make codegen" }
                " writes it."
            }
        }
    }
}

fn one(platforms: &[&str], manifest: &Manifest, plan: &MemoryPlan) -> Markup {
    let arena = manifest.arena_bytes.max(1);
    let peak = plan.peak();
    let told = peak.as_ref().map_or_else(String::new, |peak| {
        let named: Vec<String> = peak
            .parts
            .iter()
            .take(NAMED)
            .map(|part| format!("{} {}", part.what(), count(part.bytes)))
            .collect();
        let more = peak.parts.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!(
            "Most is in use in step {} of {}: {} bytes ({}{more}).",
            peak.step,
            plan.steps,
            count(peak.bytes),
            named.join(", ")
        )
    });
    let bounds = format!(
        "Working memory: {} bytes; any plan needs {} for tensors, scratch memory aside.",
        count(manifest.arena_bytes),
        count(manifest.arena_lower_bound_bytes)
    );
    html! {
        figure {
            (draw(plan, arena, peak.map(|peak| peak.step), manifest, &format!("{bounds} {told}")))
            figcaption { b { (platforms.join(", ")) } ". " (bounds) " " (told) }
        }
    }
}

fn draw(
    plan: &MemoryPlan,
    arena: u64,
    peak: Option<usize>,
    manifest: &Manifest,
    text: &str,
) -> Markup {
    let [left, top, right, bottom] = PLOT;
    // An old figure may be of a larger plan than the manifest says.
    let end = plan.parts.iter().map(|part| part.at + part.bytes).fold(arena, u64::max) as f64;
    let x = |step: usize| left + (right - left) * (step - 1) as f64 / plan.steps as f64;
    let y = |bytes: f64| bottom - (bottom - top) * bytes / end;
    let outline = |is_scratch: bool| -> String {
        let parts = plan.parts.iter().filter(|part| part.is_scratch == is_scratch);
        parts
            .map(|Part { bytes, at, first, last, .. }| {
                let (from, to) = (px(x(*first)), px(x(last + 1)));
                format!("M{from} {}H{to}V{}H{from}z", px(y(*at as f64)), px(y((at + bytes) as f64)))
            })
            .collect()
    };
    let bound = px(y(manifest.arena_lower_bound_bytes as f64));
    html! {
        svg.plot viewBox={ "0 0 " (SIZE[0]) " " (SIZE[1]) } width=(SIZE[0]) height=(SIZE[1])
            role="img" aria-label=(text) {
            text x="2" y="12" { "bytes" }
            (key(left, "tensor", "tensor"))
            (key(left + 70.0, "scratch", "scratch"))
            path.bound d={ "M" (left + 146.0) " 12h18" } {}
            text x=(left + 168.0) y="16" { "lower bound" }
            @for bytes in ticks(&(0.0..end), 4, 1.0) {
                path.grid d={ "M" (left) " " (px(y(bytes))) "H" (right) } {}
                text x=(left - 5.0) y=(px(y(bytes) + 4.0)) text-anchor="end" {
                    (count(bytes as u64))
                }
            }
            path.tensor d=(outline(false)) {}
            path.scratch d=(outline(true)) {}
            path.bound d={ "M" (left) " " (bound) "H" (right) } {}
            path.axis d={ "M" (left) " " (top) "V" (bottom) "H" (right) } {}
            @for step in ticks(&(1.0..plan.steps as f64), 5, 1.0) {
                @let middle = (x(step as usize) + x(step as usize + 1)) / 2.0;
                text x=(px(middle)) y=(bottom + 15.0) text-anchor="middle" { (step as usize) }
            }
            @if let Some(step) = peak {
                path.mark d={
                    "M" (px((x(step) + x(step + 1)) / 2.0 - 4.0)) " " (top - 6.0) "h8l-4 6z"
                } {}
            }
            text x=((left + right) / 2.0) y=(SIZE[1] - 6.0) text-anchor="middle" { "step" }
        }
    }
}

fn key(left: f64, class: &str, text: &str) -> Markup {
    html! {
        path class=(class) d={ "M" (left) " 7h14v10h-14z" } {}
        text x=(left + 18.0) y="16" { (text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::memory_plan::tests::FIGURE;
    use common::board::Platform;
    use common::precision::Precision;

    fn manifest(arena_bytes: u64) -> Manifest {
        Manifest {
            name: "net".into(),
            platform: Platform::X86_64,
            precision: Precision::F32,
            network_sha256: String::new(),
            weights_sha256: String::new(),
            parameters: 1,
            macs: 1,
            weights_bytes: 1,
            arena_bytes,
            arena_lower_bound_bytes: 112_896,
            layers: vec![],
            input: None,
            fit: None,
        }
    }

    #[test]
    fn equal_plans_are_drawn_once() {
        let plan = MemoryPlan::parse(FIGURE).unwrap();
        let (host, board) = (manifest(120_000), manifest(150_000));
        let html = plans(&[
            ("aarch64", &host, Some(&plan)),
            ("x86_64", &host, Some(&plan)),
            ("board", &board, Some(&plan)),
            ("cuda", &board, None),
        ])
        .into_string();
        assert_eq!(html.matches("<svg").count(), 2);
        assert!(
            html.contains("<b>aarch64, x86_64</b>")
                && html.contains("No plan of the crate for cuda")
        );
        assert!(html.contains("Most is in use in step 2 of 3: 112,896 bytes (stem.conv 75,264, "));
        assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
    }
}
