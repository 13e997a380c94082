//! Columns of numbers, scaled to 0..1.

/// Returns the rows with each column scaled to 0..1; a column whose numbers are all the same
/// becomes 0. All rows are of the same length.
pub(super) fn scaled<'a>(rows: impl Iterator<Item = &'a Vec<f64>> + Clone) -> Vec<Vec<f64>> {
    let of_column = |column: usize| {
        let numbers = rows.clone().map(|row| row[column]);
        let (low, high) = numbers
            .fold((f64::MAX, f64::MIN), |(low, high), number| (low.min(number), high.max(number)));
        (low, if high > low { high - low } else { 1.0 })
    };
    let columns = 0..rows.clone().next().map_or(0, Vec::len);
    let columns: Vec<(f64, f64)> = columns.map(of_column).collect();
    let scaled = |row: &Vec<f64>| {
        row.iter().zip(&columns).map(|(number, (low, range))| (number - low) / range).collect()
    };
    rows.map(scaled).collect()
}

/// Returns the positions of the columns whose numbers are not all the same, nor those of an earlier
/// column.
pub(super) fn distinct(rows: &[Vec<f64>]) -> Vec<usize> {
    let same = |a: usize, b: usize| rows.iter().all(|row| row[a] == row[b]);
    let varies = |column: usize| rows.iter().any(|row| row[column] != rows[0][column]);
    let columns = 0..rows.first().map_or(0, Vec::len);
    columns
        .filter(|column| varies(*column) && !(0..*column).any(|earlier| same(earlier, *column)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_scaled_and_told_apart() {
        let rows = [[1.0, 7.0, 10.0, 1.0], [2.0, 7.0, 20.0, 3.0], [3.0, 7.0, 30.0, 2.0]];
        let scaled = scaled(rows.map(Vec::from).iter());
        assert_eq!(scaled, [[0.0; 4], [0.5, 0.0, 0.5, 1.0], [1.0, 0.0, 1.0, 0.5]]);
        assert_eq!(distinct(&scaled), [0, 3]);
        assert_eq!(distinct(&[]), Vec::<usize>::new());
    }
}
