//! A table of text: the first column to the left, all others to the right.

use std::fmt::{Arguments, Write};

/// Appends to a text.
pub(crate) fn say(text: &mut String, what: Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(what);
}

/// Lines of cells, the first line being the heading.
pub(crate) fn render(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
            if column == 0 { format!("{cell}{padding}") } else { format!("{padding}{cell}") }
        });
        let cells: Vec<String> = cells.collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let line = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let text = render(&[line(["what", "ns"]), line(["a long name", "12.5"]), line(["×", "7"])]);
        assert_eq!(text, "what           ns\na long name  12.5\n×               7\n");
    }
}
