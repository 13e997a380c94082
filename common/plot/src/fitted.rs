//! Tables and texts for a terminal of a given width.
//!
//! No number is broken. A table that is too wide gets titles of several lines, then cells of several
//! lines for words, and at last becomes several tables, which begin with the same columns.

use crate::table::{Align, Table};
use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, TableStyle, Width,
};

/// The space between two columns.
const GAP: usize = 2;
/// Words are broken into lines of this many characters or more.
const NARROWEST: usize = 24;

impl Table {
    /// Returns lines of at most `width` characters, with a rule below the titles, where words and
    /// numbers are not longer. If there must be several tables, the columns `keys` are in each.
    pub fn to_text_within(&self, width: usize, keys: &[usize]) -> String {
        let all: Vec<usize> = (0..self.titles.len()).collect();
        let one_line = |column| self.content(column).max(len(&self.titles[column]));
        if self.width_of(&all, one_line) <= width {
            return self.to_ruled_text();
        }
        let whole = |column| self.content(column).max(self.longest_word(column));
        let broken = |room: usize| {
            move |column: usize| match self.aligns[column] {
                Align::Left => whole(column).min(room),
                Align::Right => whole(column),
            }
        };
        if self.width_of(&all, whole) <= width {
            return self.block(&all, width, whole);
        }
        if self.width_of(&all, broken(NARROWEST)) <= width {
            return self.block(&all, width, broken(NARROWEST));
        }
        let beside_keys = width.saturating_sub(self.width_of(keys, whole) + GAP);
        let least = broken(beside_keys.max(1));
        let blocks = self.blocks(keys, width, least);
        let texts = blocks.iter().map(|columns| self.block(columns, width, least));
        texts.collect::<Vec<_>>().join("\n\n")
    }

    /// Divides the columns: first those of words, then those of numbers, as many as fit.
    fn blocks(
        &self,
        keys: &[usize],
        width: usize,
        least: impl Fn(usize) -> usize,
    ) -> Vec<Vec<usize>> {
        let mut blocks: Vec<Vec<usize>> = Vec::new();
        for align in [Align::Left, Align::Right] {
            let mut block = keys.to_vec();
            let others = (0..self.titles.len()).filter(|column| !keys.contains(column));
            for column in others.filter(|column| self.aligns[*column] == align) {
                let longer = [&block[..], &[column]].concat();
                if self.width_of(&longer, &least) > width && block.len() > keys.len() {
                    blocks.push(std::mem::replace(&mut block, keys.to_vec()));
                }
                block.push(column);
            }
            if block.len() > keys.len() {
                blocks.push(block);
            }
        }
        blocks
    }

    /// Returns one table of some columns, each at least as wide as `least` says.
    fn block(&self, columns: &[usize], width: usize, least: impl Fn(usize) -> usize) -> String {
        let mut table = comfy_table::Table::new();
        table
            .load_style(TableStyle::new().header_separator(LineStyle::none().fill('-')))
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(width).unwrap_or(u16::MAX))
            .set_header(columns.iter().map(|column| &self.titles[*column]));
        for row in &self.rows {
            table.add_row(columns.iter().map(|column| &row[*column]));
        }
        for (place, column) in columns.iter().enumerate() {
            let Some(made) = table.column_mut(place) else { continue };
            let gap = if place + 1 < columns.len() { GAP } else { 0 };
            let least = u16::try_from(least(*column) + gap).unwrap_or(u16::MAX);
            made.set_padding((0, gap as u16))
                .set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)))
                .set_cell_alignment(match self.aligns[*column] {
                    Align::Left => CellAlignment::Left,
                    Align::Right => CellAlignment::Right,
                });
        }
        table.lines().map(|line| line.trim_end().to_string()).collect::<Vec<_>>().join("\n")
    }

    fn width_of(&self, columns: &[usize], width: impl Fn(usize) -> usize) -> usize {
        columns.iter().map(|column| width(*column) + GAP).sum::<usize>().saturating_sub(GAP)
    }

    /// The widest cell of a column.
    fn content(&self, column: usize) -> usize {
        self.rows.iter().map(|row| len(&row[column])).max().unwrap_or(0)
    }

    fn longest_word(&self, column: usize) -> usize {
        self.titles[column].split(' ').map(len).max().unwrap_or(0)
    }
}

/// Returns a text in lines of at most `width` characters, where its words are not longer. Those
/// after the first begin below the end of `label`, which stands before the first.
pub fn wrapped(label: &str, text: &str, width: usize) -> String {
    let indent = " ".repeat(len(label));
    let mut lines = vec![label.to_string()];
    let mut left = 0;
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if len(word) < left => *line += &format!(" {word}"),
            Some(line) if line == label => line.push_str(word),
            Some(_) | None => lines.push(format!("{indent}{word}")),
        }
        left = width.saturating_sub(lines.last().map_or(0, |line| len(line)));
    }
    lines.join("\n")
}

fn len(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Table {
        let numbers = ["test accuracy", "parameters", "latency p50, board", "energy, board"];
        let words = ["network", "described at length by"].map(|title| (title, Align::Left));
        let numbers = numbers.map(|title| (title, Align::Right));
        let mut table = Table::new(words.into_iter().chain(numbers));
        let words = "three condense layers and a fully connected one";
        table.push(["1/dense", words, "99.2 %", "22,414", "59.8 µs", "- [1]"]);
        table.push(["1/pruned", words, "100.0 %", "1,015,769", "153.7 µs", "12.5 mJ"]);
        table
    }

    fn widest(text: &str) -> usize {
        text.lines().map(len).max().unwrap()
    }

    #[test]
    fn titles_get_several_lines_before_words_do() {
        let whole = example().to_ruled_text();
        let widths = (1..=widest(&whole)).rev();
        let mut seen = [false; 3];
        for width in widths {
            let text = example().to_text_within(width, &[0]);
            let words = text.contains("three condense layers and a fully connected one");
            match (text == whole, words, text.contains("\n\n")) {
                (true, ..) => assert!(width >= widest(&whole)),
                (false, true, false) => seen[0] = true,
                (false, false, false) => {
                    assert!(seen[0], "{text}");
                    seen[1] = true;
                }
                (false, _, true) => {
                    assert!(seen[1], "{text}");
                    seen[2] = true;
                }
            }
        }
        assert_eq!(seen, [true; 3]);
    }

    #[test]
    fn lines_fit_and_numbers_are_whole() {
        for width in 30..200 {
            let text = example().to_text_within(width, &[0]);
            assert!(widest(&text) <= width, "{width}:\n{text}");
            for number in ["99.2 %", "22,414", "59.8 µs", "- [1]", "1,015,769", "12.5 mJ"] {
                assert!(text.contains(number), "{width}: {number}\n{text}");
            }
        }
    }

    #[test]
    fn several_tables_begin_with_the_same_columns() {
        let expected = "\
network   described at length by
---------------------------------------------------------
1/dense   three condense layers and a fully connected one
1/pruned  three condense layers and a fully connected one

network       test  parameters   latency p50,  energy, board
          accuracy                      board
------------------------------------------------------------
1/dense     99.2 %      22,414        59.8 µs          - [1]
1/pruned   100.0 %   1,015,769       153.7 µs        12.5 mJ";
        assert_eq!(example().to_text_within(60, &[0]), expected);
    }

    #[test]
    fn a_text_hangs_from_its_label() {
        assert_eq!(wrapped("[1] ", "no energy on host", 14), "[1] no energy\n    on host");
        assert_eq!(wrapped("", "a-word-that-is-longer than", 6), "a-word-that-is-longer\nthan");
        assert_eq!(wrapped("", "one two", 7), "one two");
    }
}
