//! Hypervolume of a set of networks: the area of the plane of error and parameters that they
//! dominate (Zitzler and Thiele 1999), after a scaling that makes searches comparable.

/// Coordinates of the reference point, in units of the ranges.
const REFERENCE: f64 = 1.05;

/// Ranges of the error and of log10 of the parameters, which are scaled to 0..1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: [f64; 2],
    high: [f64; 2],
}

impl Scale {
    /// Computes the ranges of a list of errors and parameters; `None` if it is empty.
    pub fn of(points: impl IntoIterator<Item = [f64; 2]>) -> Option<Scale> {
        points.into_iter().map(logarithmic).fold(None, |scale, point| {
            let Scale { low, high } = scale.unwrap_or(Scale { low: point, high: point });
            let each = |f: fn(f64, f64) -> f64, a: [f64; 2]| [f(a[0], point[0]), f(a[1], point[1])];
            Some(Scale { low: each(f64::min, low), high: each(f64::max, high) })
        })
    }

    /// Returns the scale whose reference point has this error, so that larger ones add nothing;
    /// `None` if the error is not above the smallest one.
    pub fn up_to(mut self, worst_error: f64) -> Option<Scale> {
        self.high[0] = self.low[0] + (worst_error - self.low[0]) / REFERENCE;
        (worst_error > self.low[0]).then_some(self)
    }

    /// Returns the hypervolume of errors and parameters with respect to the reference point
    /// (1.05, 1.05); its maximum is 1.05 squared.
    pub fn hypervolume(&self, points: impl IntoIterator<Item = [f64; 2]>) -> f64 {
        let mut scaled: Vec<[f64; 2]> =
            points.into_iter().map(|point| self.scaled(point)).collect();
        scaled.sort_by(|a, b| a[1].total_cmp(&b[1]).then(a[0].total_cmp(&b[0])));
        let (mut volume, mut lowest) = (0.0, REFERENCE);
        for [error, parameters] in scaled {
            volume += (lowest - error).max(0.0) * (REFERENCE - parameters).max(0.0);
            lowest = lowest.min(error);
        }
        volume
    }

    fn scaled(&self, point: [f64; 2]) -> [f64; 2] {
        let point = logarithmic(point);
        std::array::from_fn(|axis| {
            let range = self.high[axis] - self.low[axis];
            if range > 0.0 { (point[axis] - self.low[axis]) / range } else { 0.0 }
        })
    }
}

fn logarithmic([error, parameters]: [f64; 2]) -> [f64; 2] {
    [error, parameters.max(1.0).log10()]
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
    fn no_range_is_no_division_by_zero() {
        let scale = Scale::of([[0.2, 50.0]]).unwrap();
        assert!((scale.hypervolume([[0.2, 50.0]]) - 1.05 * 1.05).abs() < 1e-12);
        assert_eq!(Scale::of([]), None);
    }
}
