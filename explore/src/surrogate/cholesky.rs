//! Cholesky factors of symmetric, positive definite matrices.

/// A lower triangular factor: its rows up to the diagonal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Factor(Vec<Vec<f64>>);

impl Factor {
    /// Returns the factor of a matrix, given each row left of the diagonal, and the entry on it;
    /// `None` if the matrix is not positive definite.
    pub(super) fn new(rows: impl Iterator<Item = (Vec<f64>, f64)>) -> Option<Factor> {
        let mut factor: Vec<Vec<f64>> = Vec::new();
        for (mut row, diagonal) in rows {
            for column in 0..row.len() {
                let above = &factor[column];
                row[column] = (row[column] - dot(&row[..column], &above[..column])) / above[column];
            }
            let rest = diagonal - dot(&row, &row);
            if rest.is_nan() || rest <= 0.0 {
                return None;
            }
            row.push(rest.sqrt());
            factor.push(row);
        }
        Some(Factor(factor))
    }

    /// Solves `factor * x = values`.
    pub(super) fn forward(&self, values: &[f64]) -> Vec<f64> {
        let mut solution: Vec<f64> = Vec::with_capacity(values.len());
        for (row, value) in self.0.iter().zip(values) {
            let known = solution.len();
            solution.push((value - dot(&row[..known], &solution)) / row[known]);
        }
        solution
    }

    /// Solves `transpose(factor) * x = values`.
    pub(super) fn backward(&self, mut values: Vec<f64>) -> Vec<f64> {
        for (index, row) in self.0.iter().enumerate().rev() {
            values[index] /= row[index];
            let solved = values[index];
            let above = values.iter_mut().zip(&row[..index]);
            above.for_each(|(value, factor)| *value -= factor * solved);
        }
        values
    }

    /// Returns the lower triangle of the inverse of the matrix, by rows.
    pub(super) fn inverse(&self) -> Vec<Vec<f64>> {
        let size = self.0.len();
        // Columns of the factor's inverse, each from its diagonal on.
        let columns: Vec<Vec<f64>> = (0..size).map(|column| self.inverse_column(column)).collect();
        let entry = |i: usize, j: usize| dot(&columns[i], &columns[j][i - j..]);
        (0..size).map(|i| (0..=i).map(|j| entry(i, j)).collect()).collect()
    }

    fn inverse_column(&self, column: usize) -> Vec<f64> {
        let mut solution = vec![1.0 / self.0[column][column]];
        for row in &self.0[column + 1..] {
            let (diagonal, left) = (row[column + solution.len()], &row[column..][..solution.len()]);
            solution.push(-dot(left, &solution) / diagonal);
        }
        solution
    }

    /// Returns half of the natural logarithm of the matrix's determinant.
    pub(super) fn half_log_determinant(&self) -> f64 {
        self.0.iter().enumerate().map(|(index, row)| row[index].ln()).sum()
    }
}

/// Returns the inner product. Eight partial sums let the compiler vectorise the loop.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    rest + sums.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn covariance(a: f64, b: f64) -> f64 {
        (-(a - b).powi(2)).exp()
    }

    fn factor(xs: &[f64]) -> Factor {
        let row = |(i, a): (usize, &f64)| xs[..i].iter().map(|b| covariance(*a, *b)).collect();
        Factor::new(xs.iter().enumerate().map(row).map(|row| (row, 1.5))).unwrap()
    }

    /// Returns a row of the matrix times a vector.
    fn product(xs: &[f64], row: usize, vector: impl Iterator<Item = f64>) -> f64 {
        let entry = |j| if row == j { 1.5 } else { covariance(xs[row], xs[j]) };
        vector.enumerate().map(|(j, x)| entry(j) * x).sum()
    }

    proptest! {
        #[test]
        fn the_factor_solves_the_system(
            xs in proptest::collection::vec(0.0f64..3.0, 1..30), seed in any::<u64>(),
        ) {
            let value = |i| ((seed >> (i % 60)) % 7) as f64 - 3.0;
            let values: Vec<f64> = (0..xs.len()).map(value).collect();
            let factor = factor(&xs);
            let solution = factor.backward(factor.forward(&values));
            for (row, value) in values.iter().enumerate() {
                let product = product(&xs, row, solution.iter().copied());
                prop_assert!((product - value).abs() < 1e-9);
            }
        }

        #[test]
        fn the_inverse_times_the_matrix_is_one(
            xs in proptest::collection::vec(0.0f64..3.0, 1..30),
        ) {
            let inverse = factor(&xs).inverse();
            let entry = |i: usize, j: usize| inverse[i.max(j)][i.min(j)];
            for row in 0..xs.len() {
                for column in 0..xs.len() {
                    let product = product(&xs, row, (0..xs.len()).map(|j| entry(j, column)));
                    let want = f64::from(u8::from(row == column));
                    prop_assert!((product - want).abs() < 1e-9);
                }
            }
        }
    }

    /// A matrix of the eigenvalues 3 and -1 has none; one of 3 and 1 has the determinant 3.
    #[test]
    fn a_matrix_that_is_not_positive_definite_has_no_factor() {
        let of = |beside, diagonal| {
            Factor::new([(vec![], diagonal), (vec![beside], diagonal)].into_iter())
        };
        assert_eq!(of(2.0, 1.0), None);
        let determinant = 2.0 * of(1.0, 2.0).unwrap().half_log_determinant();
        assert!((determinant - 3.0f64.ln()).abs() < 1e-12);
    }
}
