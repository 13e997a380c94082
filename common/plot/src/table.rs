//! Text tables: aligned for a terminal, or in Markdown for a document.

/// The side of its column at which a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// At the left, as words do.
    Left,
    /// At the right, as numbers do.
    Right,
}

/// The space between two columns.
const GAP: &str = "  ";

/// A table of text.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) titles: Vec<String>,
    pub(crate) aligns: Vec<Align>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// Returns a table without rows. A column is at least as wide as its title.
    pub fn new(columns: impl IntoIterator<Item = (impl Into<String>, Align)>) -> Table {
        let (titles, aligns): (Vec<String>, Vec<Align>) =
            columns.into_iter().map(|(title, align)| (title.into(), align)).unzip();
        Table { titles, aligns, rows: Vec::new() }
    }

    /// Adds a row, with a cell for each column.
    ///
    /// # Panics
    /// If there are more or fewer cells than columns.
    pub fn push(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let cells: Vec<String> = cells.into_iter().map(Into::into).collect();
        assert_eq!(cells.len(), self.titles.len(), "a cell for each column");
        self.rows.push(cells);
    }

    /// Returns aligned lines: the titles, and the rows.
    pub fn to_text(&self) -> String {
        self.lines().join("\n")
    }

    /// Returns aligned lines: the titles, a rule, and the rows.
    pub fn to_ruled_text(&self) -> String {
        let rules: Vec<String> = self.widths().iter().map(|width| "-".repeat(*width)).collect();
        let mut lines = self.lines();
        lines.insert(1, rules.join(GAP));
        lines.join("\n")
    }

    /// Returns a Markdown table.
    pub fn to_markdown(&self) -> String {
        let line = |cells: &Vec<String>| {
            let cells = cells.iter().map(|cell| match cell.as_str() {
                "" => " |".to_string(),
                cell => format!(" {cell} |"),
            });
            format!("|{}", cells.collect::<String>())
        };
        let rule = format!("|{}", "---|".repeat(self.titles.len()));
        let lines = [line(&self.titles), rule].into_iter().chain(self.rows.iter().map(line));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The titles and the rows, aligned, without space at their ends.
    fn lines(&self) -> Vec<String> {
        let widths = self.widths();
        let line = |cells: &Vec<String>| {
            let columns = cells.iter().zip(&widths).zip(&self.aligns);
            let cells: Vec<String> = columns
                .map(|((cell, width), align)| match align {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                })
                .collect();
            cells.join(GAP).trim_end().to_string()
        };
        std::iter::once(&self.titles).chain(&self.rows).map(line).collect()
    }

    /// The width of each column in characters.
    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = std::iter::once(&self.titles).chain(&self.rows);
            cells.map(|cells| cells[column].chars().count()).max().unwrap_or(0)
        };
        (0..self.titles.len()).map(width).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Table {
        let mut table = Table::new([("", Align::Left), ("latency", Align::Right)]);
        table.push(["été", "182 µs"]);
        table.push(["longer", ""]);
        table
    }

    #[test]
    fn text_is_aligned_without_space_at_the_ends_of_lines() {
        assert_eq!(example().to_text(), "        latency\nété      182 µs\nlonger");
        let ruled = example().to_ruled_text();
        assert_eq!(ruled.lines().nth(1), Some("------  -------"));
        assert_eq!(ruled.lines().count(), 4);
    }

    #[test]
    fn markdown_has_a_rule_and_empty_cells() {
        let lines = "| | latency |\n|---|---|\n| été | 182 µs |\n| longer | |";
        assert_eq!(example().to_markdown(), lines);
    }
}
