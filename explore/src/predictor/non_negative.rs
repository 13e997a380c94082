//! Least squares without negative coefficients.

use super::positive_definite::{dot, solve};

/// Gradients up to this are rounding.
const TOLERANCE: f64 = 1e-12;

/// Returns the `x` without negative elements of the least `x' matrix x / 2 - values' x`, for a
/// positive definite matrix (Lawson and Hanson 1974, chapter 23).
pub(super) fn minimise(matrix: &[Vec<f64>], values: &[f64]) -> Vec<f64> {
    let count = values.len();
    let (mut x, mut free) = (vec![0.0; count], vec![false; count]);
    // Each element becomes free a few times at most; the limit is against rounding.
    for _ in 0..10 * count {
        let descent = |index: usize| values[index] - dot(&matrix[index], &x);
        let steepest = (0..count)
            .filter(|index| !free[*index])
            .map(|index| (descent(index), index))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        match steepest {
            Some((descent, index)) if descent > TOLERANCE => free[index] = true,
            Some(_) | None => return x,
        }
        settle(matrix, values, &mut x, &mut free);
    }
    x
}

/// Moves to the minimum over the free elements; those that reach 0 on the way are not free any more.
fn settle(matrix: &[Vec<f64>], values: &[f64], x: &mut [f64], free: &mut [bool]) {
    loop {
        let indices: Vec<usize> = (0..x.len()).filter(|index| free[*index]).collect();
        let target = solve_part(matrix, values, &indices);
        let crossing = indices.iter().zip(&target).filter(|(_, target)| **target <= 0.0);
        let share =
            crossing.map(|(index, target)| x[*index] / (x[*index] - target)).min_by(f64::total_cmp);
        for (index, target) in indices.iter().zip(&target) {
            x[*index] += share.unwrap_or(1.0) * (target - x[*index]);
        }
        if share.is_none() {
            return;
        }
        for (index, target) in indices.iter().zip(&target) {
            if *target <= 0.0 && x[*index] <= TOLERANCE {
                (x[*index], free[*index]) = (0.0, false);
            }
        }
    }
}

fn solve_part(matrix: &[Vec<f64>], values: &[f64], indices: &[usize]) -> Vec<f64> {
    let part = |row: &Vec<f64>| indices.iter().map(|column| row[*column]).collect();
    let rows: Vec<Vec<f64>> = indices.iter().map(|row| part(&matrix[*row])).collect();
    let values: Vec<f64> = indices.iter().map(|index| values[*index]).collect();
    solve(&rows, &values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns `A' A + I` and `A' b` of rows that end in the element of `b`.
    fn normal(rows: &[Vec<f64>], ridge: f64) -> (Vec<Vec<f64>>, Vec<f64>) {
        let count = rows[0].len() - 1;
        let product = |i: usize, j: usize| rows.iter().map(|row| row[i] * row[j]).sum::<f64>();
        let entry = |i, j| product(i, j) + if i == j { ridge } else { 0.0 };
        let matrix = (0..count).map(|i| (0..count).map(|j| entry(i, j)).collect()).collect();
        (matrix, (0..count).map(|i| product(i, count)).collect())
    }

    /// From SciPy 1.17: `scipy.optimize.nnls`.
    #[test]
    fn a_solution_computed_by_scipy() {
        let rows = [
            [1.0, 2.0, 0.5, 1.0],
            [2.0, 1.0, 0.1, -1.0],
            [0.3, 0.2, 1.0, 1.0],
            [1.0, 1.0, 1.0, 0.5],
        ];
        let (matrix, values) = normal(&rows.map(|row| row.to_vec()), 0.0);
        let x = minimise(&matrix, &values);
        assert_eq!(x[..2], [0.0, 0.0]);
        assert!((x[2] - 0.840_707_964_601_77).abs() < 1e-12, "{x:?}");
    }

    proptest! {
        /// The conditions of Karush, Kuhn and Tucker hold at the minimum and nowhere else.
        #[test]
        fn nothing_descends_from_the_minimum(
            rows in prop::collection::vec(prop::collection::vec(-2.0f64..2.0, 6), 1..12),
        ) {
            let (matrix, values) = normal(&rows, 0.1);
            let x = minimise(&matrix, &values);
            for (index, x_i) in x.iter().enumerate() {
                let descent = values[index] - dot(&matrix[index], &x);
                prop_assert!(*x_i >= 0.0 && descent < 1e-8);
                prop_assert!(*x_i == 0.0 || descent.abs() < 1e-8);
            }
        }
    }
}
