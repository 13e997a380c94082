//! Hypervolume of a set of networks: what they dominate of the plane of error and parameters, or of
//! the space of error and several costs (Zitzler and Thiele 1999), after a scaling that makes
//! searches comparable.

use super::volume;

/// Coordinates of the reference point, in units of the ranges.
const REFERENCE: f64 = 1.05;

/// Ranges of the error and of log10 of the costs after it, which are scaled to 0..1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale<const AXES: usize = 2> {
    low: [f64; AXES],
    high: [f64; AXES],
}

impl<const AXES: usize> Scale<AXES> {
    /// Computes the ranges of a list of errors and costs; `None` if it is empty.
    pub fn of(points: impl IntoIterator<Item = [f64; AXES]>) -> Option<Scale<AXES>> {
        points.into_iter().map(logarithmic).fold(None, |scale, point| {
            let Scale { low, high } = scale.unwrap_or(Scale { low: point, high: point });
            let each = |f: fn(f64, f64) -> f64, a: [f64; AXES]| {
                std::array::from_fn(|axis| f(a[axis], point[axis]))
            };
            Some(Scale { low: each(f64::min, low), high: each(f64::max, high) })
        })
    }

    /// Returns the scale whose reference point has this error, so that larger ones add nothing;
    /// `None` if the error is not above the smallest one.
    pub fn up_to(mut self, worst_error: f64) -> Option<Scale<AXES>> {
        self.high[0] = self.low[0] + (worst_error - self.low[0]) / REFERENCE;
        (worst_error > self.low[0]).then_some(self)
    }

    /// Returns the hypervolume of errors and costs with respect to the reference point 1.05 of each
    /// axis; its maximum is 1.05 to the power of the number of axes.
    ///
    /// # Panics
    /// Panics as [`volume::dominated`] does.
    pub fn hypervolume(&self, points: impl IntoIterator<Item = [f64; AXES]>) -> f64 {
        let scaled = points.into_iter().map(|point| self.scaled(point));
        volume::dominated(scaled, [REFERENCE; AXES])
    }

    fn scaled(&self, point: [f64; AXES]) -> [f64; AXES] {
        let point = logarithmic(point);
        std::array::from_fn(|axis| {
            let range = self.high[axis] - self.low[axis];
            if range > 0.0 { (point[axis] - self.low[axis]) / range } else { 0.0 }
        })
    }
}

fn logarithmic<const AXES: usize>(point: [f64; AXES]) -> [f64; AXES] {
    std::array::from_fn(|axis| if axis == 0 { point[0] } else { point[axis].max(1.0).log10() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let scale = Scale::of([[0.1, 1000.0], [0.5, 10.0], [0.3, 100.0]]).unwrap();
        let close = |points: &[[f64; 2]], want: f64| {
            let got = scale.hypervolume(points.iter().copied());
            assert!((got - want).abs() < 1e-12, "{got} is not {want}");
        };
        close(&[], 0.0);
        close(&[[0.1, 10.0]], 1.05 * 1.05);
        close(&[[0.1, 1000.0]], 1.05 * 0.05);
        // Scaled: (0, 1), (1, 0), (0.5, 0.5).
        let three = [[0.1, 1000.0], [0.5, 10.0], [0.3, 100.0]];
        close(&three, 0.05 * 1.05 + 0.5 * 0.55 + 0.5 * 0.05);
        close(
            &[three[2], three[1], three[0], [0.4, 500.0], three[2]],
            0.05 * 1.05 + 0.5 * 0.55 + 0.5 * 0.05,
        );
        close(&[[0.9, 10.0]], 0.0);
    }

    #[test]
    fn what_is_beyond_the_worst_error_adds_nothing() {
        let points = [[0.1, 1000.0], [0.5, 10.0], [0.3, 100.0]];
        let scale = Scale::of(points).unwrap().up_to(0.31).unwrap();
        // Scaled: (0, 1) and (1, 0.5), as 0.31 is at 1.05.
        let want = 0.05 * 1.05 + 0.5 * 0.05;
        assert!((scale.hypervolume(points) - want).abs() < 1e-12);
        assert_eq!(Scale::of(points).unwrap().up_to(0.1), None);
    }

    #[test]
    fn three_axes_by_hand() {
        let points = [[0.1, 1000.0, 1e6], [0.5, 10.0, 1e4], [0.3, 100.0, 1e5]];
        let scale = Scale::of(points).unwrap();
        // Scaled: (0, 1, 1), (1, 0, 0), (0.5, 0.5, 0.5).
        let alone = 1.05 * 0.05 * 0.05;
        let middle = 0.55 * 0.55 * 0.55 - 0.55 * 0.05 * 0.05;
        let last = 0.05 * 1.05 * 1.05 - 0.05 * 0.55 * 0.55;
        assert!((scale.hypervolume(points) - (alone + middle + last)).abs() < 1e-12);
    }

    #[test]
    fn no_range_is_no_division_by_zero() {
        let scale = Scale::of([[0.2, 50.0]]).unwrap();
        assert!((scale.hypervolume([[0.2, 50.0]]) - 1.05 * 1.05).abs() < 1e-12);
        assert_eq!(Scale::<2>::of([]), None);
    }
}
