//! An SVG image in memory.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea, SVGBackend};
use plotters::style::WHITE;

/// A part of an SVG image, in pixels.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The result of a drawing function. plotters has an error type for each kind of canvas.
pub type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Draws an SVG image of a width and height in pixels on a white ground, which reads the same on
/// any page and in print, and returns its text.
///
/// # Errors
/// Fails if `draw` does.
pub fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let draw_all = || -> Drawn {
            area.fill(&WHITE)?;
            draw(&area)?;
            Ok(area.present()?)
        };
        draw_all().map_err(|error| anyhow!("cannot draw the figure: {error}"))?;
    }
    Ok(svg)
}

/// Gives an SVG image a title, which a screen reader reads instead of the image.
pub fn titled(svg: &str, title: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let Some((open, rest)) = svg.split_once('>') else { return svg.to_string() };
    let open = open.replacen("<svg", "<svg role=\"img\"", 1);
    format!("{open}>\n<title>{title}</title>{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_thing_in_an_image() {
        let image = titled(&svg((30, 20), |_| Ok(())).unwrap(), "a < b & c");
        let (open, rest) = image.split_once('>').unwrap();
        assert!(open.starts_with("<svg role=\"img\" width=\"30\""), "{open}");
        assert!(rest.starts_with("\n<title>a &lt; b &amp; c</title>"), "{rest}");
    }

    #[test]
    fn an_image_is_white_and_closed() {
        let svg = svg((30, 20), |_| Ok(())).unwrap();
        assert!(svg.contains("width=\"30\" height=\"20\"") && svg.contains("#FFFFFF"), "{svg}");
        assert!(svg.trim_end().ends_with("</svg>"), "{svg}");
    }

    #[test]
    fn a_failed_drawing_is_an_error() {
        let error = svg((30, 20), |_| Err("no ink".into())).unwrap_err();
        assert_eq!(error.to_string(), "cannot draw the figure: no ink");
    }
}
