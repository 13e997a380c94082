//! Exact volumes of the boxes between points and a reference point, all axes minimised (While,
//! Bradstreet, Barone 2012: "A fast way of calculating exact hypervolumes", with slices along the
//! last axis).

/// Largest number of axes.
pub const MOST_AXES: usize = 8;

/// A point; axes beyond those of the space are 0.
type Row = [f64; MOST_AXES];

/// Returns the volume that is dominated by some points, up to a reference point.
///
/// # Panics
/// Panics if there are more than [`MOST_AXES`] axes, or fewer than two.
pub fn dominated<P: AsRef<[f64]>>(
    points: impl IntoIterator<Item = P>,
    reference: impl AsRef<[f64]>,
) -> f64 {
    let (reference, axes) = row(&reference);
    volume(points.into_iter().map(|point| row(&point).0).collect(), &reference, axes)
}

/// Returns the volume that is dominated by a point, but by none of the others, up to a reference
/// point.
///
/// # Panics
/// Panics if there are more than [`MOST_AXES`] axes, or fewer than two.
pub fn exclusive<P: AsRef<[f64]>>(
    point: impl AsRef<[f64]>,
    others: impl IntoIterator<Item = P>,
    reference: impl AsRef<[f64]>,
) -> f64 {
    let (reference, axes) = row(&reference);
    let others: Vec<Row> = others.into_iter().map(|other| row(&other).0).collect();
    exclusive_volume(&row(&point).0, &others, &reference, axes)
}

fn row(point: &impl AsRef<[f64]>) -> (Row, usize) {
    let (mut row, point) = ([0.0; MOST_AXES], point.as_ref());
    assert!((2..=MOST_AXES).contains(&point.len()), "a point of {} axes", point.len());
    row[..point.len()].copy_from_slice(point);
    (row, point.len())
}

fn volume(mut rows: Vec<Row>, reference: &Row, axes: usize) -> f64 {
    if axes == 2 {
        return area(rows, reference);
    }
    // From the worst along the last axis on, each of the others reaches as far along it.
    let last = axes - 1;
    rows.sort_by(|a, b| b[last].total_cmp(&a[last]));
    let slice = |(index, row): (usize, &Row)| {
        let height = reference[last] - row[last];
        let rest = &rows[index + 1..];
        if height > 0.0 { height * exclusive_volume(row, rest, reference, last) } else { 0.0 }
    };
    rows.iter().enumerate().map(slice).sum()
}

fn area(mut rows: Vec<Row>, reference: &Row) -> f64 {
    rows.sort_by(|a, b| a[1].total_cmp(&b[1]).then(a[0].total_cmp(&b[0])));
    let (mut area, mut lowest) = (0.0, reference[0]);
    for [x, y, ..] in rows {
        area += (lowest - x).max(0.0) * (reference[1] - y).max(0.0);
        lowest = lowest.min(x);
    }
    area
}

fn exclusive_volume(row: &Row, others: &[Row], reference: &Row, axes: usize) -> f64 {
    if axes == 2 {
        return exclusive_area(row, others, reference);
    }
    let own = (0..axes).map(|axis| (reference[axis] - row[axis]).max(0.0)).product::<f64>();
    let limited = limited(row, others, reference, axes);
    match limited.first() {
        _ if own == 0.0 => 0.0,
        Some(first) if first[..axes] == row[..axes] => 0.0,
        _ => (own - volume(limited, reference, axes)).max(0.0),
    }
}

/// Returns the area as a sum over the steps of the others: the width of each beyond the point times
/// the point's distance below it.
fn exclusive_area(row: &Row, others: &[Row], reference: &Row) -> f64 {
    let mut others: Vec<[f64; 2]> = others.iter().map(|[x, y, ..]| [*x, *y]).collect();
    others.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let (mut area, mut start, mut step) = (0.0, row[0], reference[1]);
    for [x, y] in others.into_iter().filter(|[x, _]| *x < reference[0]) {
        if y < step {
            area += (x - start).max(0.0) * (step - row[1]).max(0.0);
            (start, step) = (start.max(x), y);
        }
    }
    area + (reference[0] - start).max(0.0) * (step - row[1]).max(0.0)
}

/// Returns the parts of other boxes that lie in the box of a point, without those inside others.
fn limited(row: &Row, others: &[Row], reference: &Row, axes: usize) -> Vec<Row> {
    let mut kept: Vec<Row> = Vec::with_capacity(others.len());
    for other in others {
        let mut part = *row;
        (0..axes).for_each(|axis| part[axis] = part[axis].max(other[axis]));
        let within = |a: &Row, b: &Row| (0..axes).all(|axis| a[axis] >= b[axis]);
        let empty = (0..axes).any(|axis| part[axis] >= reference[axis]);
        if !empty && !kept.iter().any(|known| within(&part, known)) {
            kept.retain(|known| !within(known, &part));
            kept.push(part);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIDE: u32 = 6;

    /// Counts the unit cells of a grid that are dominated by a point on the grid.
    fn cells(points: &[Vec<u32>], axes: usize) -> f64 {
        let cell = |index: u32| (0..axes as u32).map(move |axis| index / SIDE.pow(axis) % SIDE);
        let dominates =
            |point: &Vec<u32>, index| point.iter().zip(cell(index)).all(|(p, c)| *p <= c);
        let all = 0..SIDE.pow(axes as u32);
        all.filter(|index| points.iter().any(|point| dominates(point, *index))).count() as f64
    }

    fn floats(points: &[Vec<u32>]) -> Vec<Vec<f64>> {
        points.iter().map(|point| point.iter().map(|x| f64::from(*x)).collect()).collect()
    }

    fn on_a_grid() -> impl Strategy<Value = (usize, Vec<Vec<u32>>)> {
        (2usize..=5).prop_flat_map(|axes| {
            let point = proptest::collection::vec(0..SIDE + 2, axes);
            (Just(axes), proptest::collection::vec(point, 1..12))
        })
    }

    proptest! {
        #[test]
        fn volumes_are_those_counted_on_a_grid((axes, points) in on_a_grid()) {
            let (reference, rows) = (vec![f64::from(SIDE); axes], floats(&points));
            prop_assert_eq!(dominated(&rows, &reference), cells(&points, axes));
            let without = cells(&points[1..], axes);
            let got = exclusive(&rows[0], &rows[1..], &reference);
            prop_assert_eq!(got, cells(&points, axes) - without);
        }

        #[test]
        fn the_order_of_points_and_axes_is_of_no_account((axes, points) in on_a_grid()) {
            let (reference, rows) = (vec![f64::from(SIDE); axes], floats(&points));
            let mut turned: Vec<Vec<f64>> = rows.iter().rev().cloned().collect();
            turned.iter_mut().for_each(|row| row.rotate_left(1));
            prop_assert_eq!(dominated(&turned, &reference), dominated(&rows, &reference));
        }
    }

    /// Axes of real numbers, of which two are the same: by inclusion and exclusion.
    #[test]
    fn equal_axes_by_hand() {
        let points = [[0.5, 0.5, 0.25], [0.25, 0.25, 0.75]];
        let want = 0.5 * 0.5 * 0.75 + 0.75 * 0.75 * 0.25 - 0.5 * 0.5 * 0.25;
        assert_eq!(dominated(points, [1.0; 3]), want);
        assert_eq!(exclusive(points[1], [points[0]], [1.0; 3]), want - 0.5 * 0.5 * 0.75);
        assert_eq!(exclusive([0.6, 0.5, 0.3], [points[0]], [1.0; 3]), 0.0);
    }
}
