//! Systems of a few linear equations whose matrix is symmetric and positive definite.

/// Solves `matrix * x = values` by a Cholesky factor.
///
/// # Panics
/// Panics if the sizes differ.
pub(super) fn solve(matrix: &[Vec<f64>], values: &[f64]) -> Vec<f64> {
    let factor = factor(matrix);
    let mut solution = values.to_vec();
    for row in 0..solution.len() {
        let known: f64 = (0..row).map(|column| factor[row][column] * solution[column]).sum();
        solution[row] = (solution[row] - known) / factor[row][row];
    }
    for row in (0..solution.len()).rev() {
        let known: f64 =
            (row + 1..solution.len()).map(|below| factor[below][row] * solution[below]).sum();
        solution[row] = (solution[row] - known) / factor[row][row];
    }
    solution
}

/// Returns the lower triangular factor, by rows up to the diagonal.
fn factor(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut factor: Vec<Vec<f64>> = Vec::with_capacity(matrix.len());
    for (index, given) in matrix.iter().enumerate() {
        let mut row: Vec<f64> = Vec::with_capacity(index + 1);
        for (column, above) in factor.iter().enumerate() {
            row.push((given[column] - dot(&row, above)) / above[column]);
        }
        // Rounding must not make a square root of a negative number.
        let rest = (given[index] - dot(&row, &row)).max(f64::EPSILON * given[index]);
        row.push(rest.sqrt());
        factor.push(row);
    }
    factor
}

/// Returns the inner product of a vector and as much of another one.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From NumPy 2.4: `numpy.linalg.solve`.
    #[test]
    fn a_solution_computed_by_numpy() {
        let matrix = [vec![4.0, 1.0, 0.5], vec![1.0, 3.0, -1.0], vec![0.5, -1.0, 2.0]];
        let solution = solve(&matrix, &[1.0, 2.0, 3.0]);
        let want = [-0.4615384615384615, 1.6307692307692307, 2.4307692307692306];
        for (got, want) in solution.iter().zip(want) {
            assert!((got - want).abs() < 1e-12, "{solution:?}");
        }
    }
}
