//! A straight line through points.

/// `y = intercept + slope * x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Growth of y for each unit of x.
    pub slope: f64,
    /// y at x = 0.
    pub intercept: f64,
}

impl Line {
    /// Returns the line of least squares of the residuals in y; `None` if all x are equal.
    pub fn fit(points: &[(f64, f64)]) -> Option<Line> {
        let mean =
            |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
        let (x_mean, y_mean) = (mean(|point| point.0), mean(|point| point.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| {
            points.iter().map(|(x, y)| of(x - x_mean, y - y_mean)).sum::<f64>()
        };
        let variation = sum(&|x, _| x * x);
        (variation > 0.0).then(|| {
            let slope = sum(&|x, y| x * y) / variation;
            Line { slope, intercept: y_mean - slope * x_mean }
        })
    }

    /// Returns the point of the line at `x`.
    pub fn point(&self, x: f64) -> (f64, f64) {
        (x, self.intercept + self.slope * x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Means 2.5 and 5.5, sum of products 7, of squares 5: slope 1.4, intercept 2.
        let line = Line::fit(&[(1.0, 4.0), (2.0, 4.0), (3.0, 6.0), (4.0, 8.0)]).unwrap();
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
        close(line.slope, 1.4);
        close(line.point(0.0).1, 2.0);
        close(line.point(10.0).1, 16.0);
    }

    #[test]
    fn one_x_has_no_line() {
        assert_eq!(Line::fit(&[]), None);
        assert_eq!(Line::fit(&[(3.0, 1.0)]), None);
        assert_eq!(Line::fit(&[(3.0, 1.0), (3.0, 2.0)]), None);
    }
}
