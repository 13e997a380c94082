//! The colours of all figures. Those of Okabe and Ito (2008, "Color Universal Design") and of
//! Paul Tol (2021, "Colour Schemes") stay apart for colour-blind readers.

use plotters::style::RGBColor;

/// Lines and text that are not data.
pub const INK: RGBColor = RGBColor(38, 42, 48);
/// Grid lines.
pub const GRID: RGBColor = RGBColor(226, 229, 233);
/// Bars behind the data.
pub const BAR: RGBColor = RGBColor(222, 225, 230);
/// Lines that join data points.
pub const JOIN: RGBColor = RGBColor(190, 195, 200);
/// Data in the background.
pub const GREY: RGBColor = RGBColor(110, 110, 110);

/// Orange of Okabe and Ito.
pub const ORANGE: RGBColor = RGBColor(230, 159, 0);
/// Sky blue of Okabe and Ito.
pub const SKY_BLUE: RGBColor = RGBColor(86, 180, 233);
/// Bluish green of Okabe and Ito.
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
/// Yellow of Okabe and Ito.
pub const YELLOW: RGBColor = RGBColor(240, 228, 66);
/// Blue of Okabe and Ito.
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
/// Vermilion of Okabe and Ito.
pub const VERMILION: RGBColor = RGBColor(213, 94, 0);
/// Reddish purple of Okabe and Ito.
pub const PURPLE: RGBColor = RGBColor(204, 121, 167);
/// Olive of Tol.
pub const OLIVE: RGBColor = RGBColor(153, 153, 51);
/// Wine of Tol.
pub const WINE: RGBColor = RGBColor(136, 34, 85);

/// The colours of series without an order.
const SERIES: [RGBColor; 6] = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY_BLUE];

/// The dark end of [`VIRIDIS`].
pub const VIOLET: RGBColor = VIRIDIS[0];
/// The middle of [`VIRIDIS`].
pub const TEAL: RGBColor = VIRIDIS[2];
/// A contrast to [`VIOLET`] and [`TEAL`].
pub const RUST: RGBColor = RGBColor(214, 96, 16);
/// The dark end of [`AMBER_TO_INDIGO`].
pub const INDIGO: RGBColor = AMBER_TO_INDIGO[1];

/// viridis without its palest end, which is hard to see on white.
pub const VIRIDIS: [RGBColor; 5] = [
    RGBColor(68, 1, 84),
    RGBColor(59, 82, 139),
    RGBColor(33, 145, 140),
    RGBColor(94, 201, 98),
    RGBColor(215, 200, 40),
];
/// From light to dark: the order can be seen without colour, and both ends stand out from white.
pub const AMBER_TO_INDIGO: [RGBColor; 2] = [RGBColor(250, 170, 60), RGBColor(60, 40, 140)];

/// Returns the colour of series `index`. Colours repeat after six.
pub fn series(index: usize) -> RGBColor {
    SERIES[index % SERIES.len()]
}

/// Returns the colour of step `index` of `count` on a scale, mixed from its two nearest colours.
/// The first step has the first colour of the scale, and the last one the last.
pub fn gradient<const N: usize>(scale: &[RGBColor; N], index: usize, count: usize) -> RGBColor {
    let position = index as f64 / (count.max(2) - 1) as f64 * (N - 1) as f64;
    let left = (position as usize).min(N - 2);
    let (RGBColor(r0, g0, b0), RGBColor(r1, g1, b1)) = (scale[left], scale[left + 1]);
    let mix = |a: u8, b: u8| {
        (f64::from(a) + (f64::from(b) - f64::from(a)) * (position - left as f64)).round() as u8
    };
    RGBColor(mix(r0, r1), mix(g0, g1), mix(b0, b1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_runs_from_one_end_to_the_other() {
        assert_eq!(gradient(&VIRIDIS, 0, 8), VIRIDIS[0]);
        assert_eq!(gradient(&VIRIDIS, 7, 8), VIRIDIS[4]);
        assert_eq!(gradient(&VIRIDIS, 0, 1), VIRIDIS[0]);
        assert_eq!(gradient(&VIRIDIS, 2, 5), VIRIDIS[2]);
        assert_eq!(gradient(&AMBER_TO_INDIGO, 1, 3), RGBColor(155, 105, 100));
    }
}
