//! Tables with footnotes, as aligned text and as HTML.

use maud::{Markup, html};
use plot::Align;

/// A table. A cell without a value is a `-` and a footnote with the reason.
#[derive(Debug, Default)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
    notes: Vec<String>,
    /// The titles of those columns that say what a row is of. `None`: the first does.
    keys: Option<Vec<String>>,
}

#[derive(Debug)]
struct Row {
    /// What the page's script finds it by.
    name: Option<String>,
    cells: Vec<Cell>,
}

#[derive(Debug)]
struct Column {
    title: String,
    /// Numbers are aligned to the right.
    numeric: bool,
    /// On the page only.
    kept_from_text: bool,
}

/// One cell.
#[derive(Clone, Debug, Default)]
struct Cell {
    text: String,
    /// A second line in small print, on the page only.
    detail: Option<String>,
    /// Where a click leads, on the page.
    link: Option<String>,
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
            .map(|(title, numeric)| Column {
                title: title.to_string(),
                numeric,
                kept_from_text: false,
            })
            .collect();
        Table { columns, ..Table::default() }
    }

    /// Adds a row, one entry a column.
    pub(super) fn push(&mut self, entries: Vec<Entry>) {
        self.push_row(None, entries);
    }

    /// Adds a row that the page's script finds by a name: that of a network or an individual.
    pub(super) fn push_named(&mut self, name: &str, entries: Vec<Entry>) {
        self.push_row(Some(name.to_string()), entries);
    }

    fn push_row(&mut self, name: Option<String>, entries: Vec<Entry>) {
        debug_assert_eq!(entries.len(), self.columns.len());
        let cells = entries.into_iter().map(|entry| self.cell(entry)).collect();
        self.rows.push(Row { name, cells });
    }

    /// Leaves a column out of the text.
    pub(super) fn keep_from_text(&mut self, title: &str) {
        self.columns
            .iter_mut()
            .filter(|column| column.title == title)
            .for_each(|column| column.kept_from_text = true);
    }

    /// Names the columns that say what a row is of, which stand in each part of a text that is
    /// divided for want of width.
    pub(super) fn set_keys(&mut self, titles: &[&str]) {
        self.keys = Some(titles.iter().map(ToString::to_string).collect());
    }

    /// Adds small print to the last row's cell of a column.
    pub(super) fn add_detail(&mut self, title: &str, detail: String) {
        if let Some(cell) = self.last_cell(title) {
            cell.detail = Some(detail);
        }
    }

    /// Makes the last row's cell of a column a link.
    pub(super) fn add_link(&mut self, title: &str, link: String) {
        if let Some(cell) = self.last_cell(title) {
            cell.link = Some(link);
        }
    }

    fn last_cell(&mut self, title: &str) -> Option<&mut Cell> {
        let column = self.columns.iter().position(|column| column.title == title)?;
        self.rows.last_mut()?.cells.get_mut(column)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the class of its width: in a place that is too narrow for it, its rows are cards.
    fn width_class(&self) -> Option<&'static str> {
        match self.columns.len() {
            0..=2 => None,
            3..=8 => Some("middle"),
            9..=12 => Some("wide"),
            13.. => Some("wide widest"),
        }
    }

    fn cell(&mut self, entry: Entry) -> Cell {
        match entry {
            Ok(text) => Cell { text, ..Cell::default() },
            Err(reason) => {
                let known =
                    self.notes.iter().position(|note| *note == reason).unwrap_or_else(|| {
                        self.notes.push(reason);
                        self.notes.len() - 1
                    });
                Cell { text: "-".into(), note: Some(known + 1), ..Cell::default() }
            }
        }
    }

    /// Returns aligned lines with the footnotes below, for a terminal of a width in characters; a
    /// row is one line where none is given.
    pub(super) fn to_text(&self, width: Option<usize>) -> String {
        let columns: Vec<&Column> =
            self.columns.iter().filter(|column| !column.kept_from_text).collect();
        let mut table = plot::Table::new(columns.iter().map(|column| {
            let align = if column.numeric { Align::Right } else { Align::Left };
            (column.title.as_str(), align)
        }));
        self.rows.iter().for_each(|row| table.push(self.in_text(row).map(Cell::to_text)));
        let is_key = |place: &usize| match &self.keys {
            Some(keys) => keys.contains(&columns[*place].title),
            None => *place == 0,
        };
        let keys: Vec<usize> = (0..columns.len()).filter(is_key).collect();
        let mut lines = vec![match width {
            Some(width) => table.to_text_within(width, &keys),
            None => table.to_ruled_text(),
        }];
        let notes: Vec<String> = (1..)
            .zip(&self.notes)
            .filter(|(number, _)| self.is_in_text(*number))
            .map(|(number, note)| match width {
                Some(width) => plot::wrapped(&format!("[{number}] "), note, width),
                None => format!("[{number}] {note}"),
            })
            .collect();
        if !notes.is_empty() {
            lines.push(String::new());
        }
        lines.extend(notes);
        lines.join("\n")
    }

    /// Returns whether the text has a cell with the footnote.
    fn is_in_text(&self, note: usize) -> bool {
        self.rows.iter().flat_map(|row| self.in_text(row)).any(|cell| cell.note == Some(note))
    }

    /// Returns the cells of a row that are in the text.
    fn in_text<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = &'a Cell> {
        let cells = row.cells.iter().zip(&self.columns);
        cells.filter(|(_, column)| !column.kept_from_text).map(|(cell, _)| cell)
    }

    /// Returns the table in Markdown, with the footnotes below it. Nothing in a cell is markup.
    pub(super) fn to_markdown(&self) -> String {
        let align = |column: &Column| if column.numeric { Align::Right } else { Align::Left };
        let titles: Vec<(String, Align)> =
            self.columns.iter().map(|column| (plain(&column.title), align(column))).collect();
        let mut table =
            plot::Table::new(titles.iter().map(|(title, align)| (title.as_str(), *align)));
        self.rows
            .iter()
            .for_each(|row| table.push(row.cells.iter().map(|cell| plain(&cell.to_text()))));
        let notes = self.notes.iter().enumerate();
        let notes = notes.map(|(index, note)| format!("\n\n\\[{}\\] {}", index + 1, plain(note)));
        table.to_markdown() + &notes.collect::<String>()
    }

    /// Returns an HTML table whose cells carry their column's title, so that a narrow screen can
    /// show a row as a card.
    pub(super) fn to_markup(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="group" aria-label="Table" {
                table class=[self.width_class()] {
                    thead { tr { @for column in &self.columns {
                        th scope="col" class=[column.class()] { (column.title) }
                    } } }
                    tbody { @for row in &self.rows { tr data-row=[&row.name] {
                        @for (cell, column) in row.cells.iter().zip(&self.columns) {
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

/// Returns text that Markdown shows as it is, on one line.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '&' => escaped.extend(['\\', c]),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
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
        html! {
            span {
                @if let Some(link) = &self.link { a href=(link) { (self.text) } }
                @else { (self.text) }
                @if let Some(note) = self.note { " " sup { (note) } }
                @if let Some(detail) = &self.detail { " " small { (detail) } }
            }
        }
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
        assert_eq!(example().to_text(None), expected);
        assert_eq!(example().to_text(Some(24)), expected);
        let narrow = example().to_text(Some(15));
        assert!(narrow.ends_with("[1] not\n    measured &\n    so on\n[2] no name"), "{narrow}");
    }

    #[test]
    fn markdown_shows_text_as_it_is() {
        let markdown = example().to_markdown();
        let lines: Vec<&str> = markdown.lines().collect();
        assert_eq!(lines[0], "| network | latency |");
        assert_eq!(lines[3], "| b \\<i\\> | - \\[1\\] |");
        assert_eq!(lines[6], "\\[1\\] not measured \\& so on");
        assert_eq!(plain("a|b\n*c* [d](e)"), "a\\|b \\*c\\* \\[d\\](e)");
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
