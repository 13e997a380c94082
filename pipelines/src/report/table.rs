//! Tables with footnotes, as aligned text and as HTML.

use maud::{Markup, html};
use plot::Align;

/// A table. A cell without a value is a `-` and a footnote with the reason.
#[derive(Debug, Default)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Column {
    title: String,
    /// Numbers are aligned to the right.
    numeric: bool,
}

/// One cell.
#[derive(Clone, Debug)]
struct Cell {
    text: String,
    /// Number of its footnote, from 1.
    note: Option<usize>,
}

/// The value of a cell, or the reason why there is none.
pub(super) type Entry = Result<String, String>;

/// Returns the entry for a value that may be missing.
pub(super) fn entry<T>(
    value: Option<T>,
    reason: impl Into<String>,
    show: impl FnOnce(T) -> String,
) -> Entry {
    value.map(show).ok_or_else(|| reason.into())
}

impl Table {
    /// Makes a table of columns: the title, and whether the column has numbers.
    pub(super) fn new<'a>(columns: impl IntoIterator<Item = (&'a str, bool)>) -> Table {
        let columns = columns
            .into_iter()
            .map(|(title, numeric)| Column { title: title.to_string(), numeric })
            .collect();
        Table { columns, ..Table::default() }
    }

    /// Adds a row, one entry a column.
    pub(super) fn push(&mut self, entries: Vec<Entry>) {
        debug_assert_eq!(entries.len(), self.columns.len());
        let cells = entries.into_iter().map(|entry| self.cell(entry)).collect();
        self.rows.push(cells);
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn cell(&mut self, entry: Entry) -> Cell {
        match entry {
            Ok(text) => Cell { text, note: None },
            Err(reason) => {
                let known =
                    self.notes.iter().position(|note| *note == reason).unwrap_or_else(|| {
                        self.notes.push(reason);
                        self.notes.len() - 1
                    });
                Cell { text: "-".into(), note: Some(known + 1) }
            }
        }
    }

    /// Returns aligned lines for a terminal, with the footnotes below.
    pub(super) fn to_text(&self) -> String {
        let columns = self.columns.iter().map(|column| {
            let align = if column.numeric { Align::Right } else { Align::Left };
            (column.title.as_str(), align)
        });
        let mut table = plot::Table::new(columns);
        self.rows.iter().for_each(|row| table.push(row.iter().map(Cell::to_text)));
        let mut lines = vec![table.to_ruled_text()];
        if !self.notes.is_empty() {
            lines.push(String::new());
        }
        lines.extend(
            self.notes.iter().enumerate().map(|(index, note)| format!("[{}] {note}", index + 1)),
        );
        lines.join("\n")
    }

    /// Returns an HTML table whose cells carry their column's title, so that a narrow screen can
    /// show a row as a card.
    pub(super) fn to_markup(&self) -> Markup {
        html! {
            div.scroll {
                table {
                    thead { tr { @for column in &self.columns {
                        th scope="col" class=[column.class()] { (column.title) }
                    } } }
                    tbody { @for row in &self.rows { tr {
                        @for (cell, column) in row.iter().zip(&self.columns) {
                            td data-title=(column.title) class=[column.class()] { (cell.to_markup()) }
                        }
                    } } }
                }
            }
            @if !self.notes.is_empty() {
                ol.notes { @for note in &self.notes { li { (note) } } }
            }
        }
    }
}

impl Column {
    fn class(&self) -> Option<&'static str> {
        self.numeric.then_some("number")
    }
}

impl Cell {
    fn to_text(&self) -> String {
        self.note.map_or_else(|| self.text.clone(), |note| format!("{} [{note}]", self.text))
    }

    fn to_markup(&self) -> Markup {
        html! { span { (self.text) @if let Some(note) = self.note { " " sup { (note) } } } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Table {
        let mut table = Table::new([("network", false), ("latency", true)]);
        table.push(vec![Ok("a".into()), Ok("182 µs".into())]);
        table.push(vec![Ok("b <i>".into()), Err("not measured & so on".into())]);
        table.push(vec![Err("no name".into()), Err("not measured & so on".into())]);
        table
    }

    #[test]
    fn text_is_aligned_and_equal_reasons_share_a_footnote() {
        let expected = "\
network  latency
-------  -------
a         182 µs
b <i>      - [1]
- [2]      - [1]

[1] not measured & so on
[2] no name";
        assert_eq!(example().to_text(), expected);
    }

    #[test]
    fn html_is_escaped() {
        let html = example().to_markup().into_string();
        assert!(
            html.contains("b &lt;i&gt;") && html.contains("not measured &amp; so on"),
            "{html}"
        );
        assert!(!html.contains("<i>"));
    }
}
