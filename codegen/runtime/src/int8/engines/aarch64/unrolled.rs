//! Loops over the columns of a kernel.

/// Evaluates an expression for the offset in bytes of each column of a kernel with so many columns
/// next to each other, a constant: 1, 3 or 5. Compilers leave loops of so much code as they are.
macro_rules! for_columns {
    ($kernel:ident, $column:ident => $body:expr) => {
        for_columns!(@ $column => $body, 0);
        if $kernel > 1 {
            for_columns!(@ $column => $body, 4);
            for_columns!(@ $column => $body, 8);
        }
        if $kernel > 3 {
            for_columns!(@ $column => $body, 12);
            for_columns!(@ $column => $body, 16);
        }
    };
    (@ $column:ident => $body:expr, $offset:literal) => {{
        let $column = $offset;
        $body;
    }};
}
pub(super) use for_columns;
