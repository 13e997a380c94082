//! The plane of a figure: its axes, the marks of its points, and the key that explains them.

use plot::axes::Axis;
use plot::palette::{GRID, INK};
use plot::{Area, Drawn};
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::prelude::{
    Cartesian2d, Circle, EmptyElement, LineSeries, Rectangle, SVGBackend, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBColor, ShapeStyle, TextStyle, WHITE};
use std::error::Error;

/// Width of a figure and height of a plane, in pixels. Text is large, because a telephone shows a
/// figure at half its size.
pub(in crate::report) const WIDTH: u32 = 600;
pub(in crate::report) const HEIGHT: u32 = 370;
const KEY_ROW: u32 = 28;
const TICK_TEXT: u32 = 17;
const TITLE_TEXT: u32 = 19;
/// Characters of a key's row that fit beside its mark.
const KEY_CHARACTERS: usize = 54;

/// A plane with both axes.
pub(in crate::report) type Plane<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Axis, Axis>>;

/// The mark of a point, or what stands for a line in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Mark {
    Disc,
    Ring,
    Square,
    Dot,
    Line,
}

/// A row of a key.
#[derive(Clone, Debug)]
pub(in crate::report) struct KeyRow {
    pub(in crate::report) mark: Mark,
    pub(in crate::report) color: RGBColor,
    pub(in crate::report) text: String,
}

/// Returns a name that leaves room for more in its row of a key.
pub(in crate::report) fn short_name(name: &str) -> String {
    const CHARACTERS: usize = 24;
    if name.chars().count() <= CHARACTERS {
        return name.to_string();
    }
    name.chars().take(CHARACTERS - 1).chain(['\u{2026}']).collect()
}

/// Returns the height of a key in pixels.
pub(in crate::report) fn key_height(rows: usize) -> u32 {
    KEY_ROW * rows as u32 + 8
}

/// Draws grid, axes and titles, below a caption if there is one.
///
/// # Errors
/// Fails if they cannot be drawn.
pub(in crate::report) fn plane<'a>(
    area: &Area<'a>,
    caption: Option<&str>,
    (x, x_title): (Axis, &str),
    (y, y_title): (Axis, &str),
) -> Result<Plane<'a>, Box<dyn Error>> {
    let mut builder = ChartBuilder::on(area);
    builder.margin(14).margin_right(24).x_label_area_size(54).y_label_area_size(92);
    if let Some(caption) = caption {
        builder.caption(caption, ("sans-serif", TITLE_TEXT).into_font().color(&INK));
    }
    let mut chart = builder.build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE.mix(0.0))
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(("sans-serif", TICK_TEXT).into_font().color(&INK))
        .axis_desc_style(("sans-serif", TITLE_TEXT).into_font().color(&INK))
        .x_desc(x_title)
        .y_desc(y_title)
        .draw()?;
    Ok(chart)
}

/// Draws points of one mark and colour.
///
/// # Errors
/// Fails if they cannot be drawn.
pub(in crate::report) fn draw_points(
    chart: &mut Plane<'_>,
    mark: Mark,
    color: RGBColor,
    places: impl IntoIterator<Item = (f64, f64)>,
) -> Drawn {
    let places = places.into_iter();
    match mark {
        Mark::Disc => {
            chart.draw_series(places.map(|place| Circle::new(place, 6, color.filled())))?;
        }
        Mark::Ring => {
            chart.draw_series(places.map(|place| Circle::new(place, 6, color.stroke_width(2))))?;
        }
        Mark::Dot => {
            let pale = color.mix(0.45).filled();
            chart.draw_series(places.map(|place| Circle::new(place, 3, pale)))?;
        }
        Mark::Square => {
            let at = |place| EmptyElement::at(place) + square((0, 0), color.filled());
            chart.draw_series(places.map(at))?;
        }
        Mark::Line => {
            chart.draw_series(LineSeries::new(places, color.stroke_width(2)))?;
        }
    }
    Ok(())
}

fn square((x, y): (i32, i32), style: ShapeStyle) -> Rectangle<(i32, i32)> {
    Rectangle::new([(x - 6, y - 6), (x + 6, y + 6)], style)
}

/// Draws a key of one row after the other.
///
/// # Errors
/// Fails if it cannot be drawn.
pub(in crate::report) fn draw_key(area: &Area<'_>, rows: &[KeyRow]) -> Drawn {
    for (index, KeyRow { mark, color, text }) in rows.iter().enumerate() {
        let middle = (KEY_ROW as usize * index) as i32 + 14;
        let at = (110, middle);
        match mark {
            Mark::Disc => area.draw(&Circle::new(at, 6, color.filled()))?,
            Mark::Ring => area.draw(&Circle::new(at, 6, color.stroke_width(2)))?,
            Mark::Dot => area.draw(&Circle::new(at, 3, color.mix(0.45).filled()))?,
            Mark::Square => area.draw(&square(at, color.filled()))?,
            Mark::Line => {
                area.draw(&Rectangle::new([(100, middle - 1), (120, middle + 1)], color.filled()))?;
            }
        }
        let text: String = text.chars().take(KEY_CHARACTERS).collect();
        area.draw(&Text::new(text, (132, middle), label()))?;
    }
    Ok(())
}

/// Returns the style of text to the right of a place.
fn label() -> TextStyle<'static> {
    ("sans-serif", TICK_TEXT).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center))
}
