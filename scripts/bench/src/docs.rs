//! The table in a page.

use anyhow::{Context, Result};
use nextool::board::Board;

/// Before the table of a board.
pub fn begin(board: Board) -> &'static str {
    match board {
        Board::QemuVirt => "<!-- bench: written by `make bench DOCS=1` -->\n",
        Board::Tegra2 => "<!-- bench: written by `make bench BOARD=tegra2 DOCS=1` -->\n",
    }
}

/// After it.
pub const END: &str = "<!-- bench: end -->\n";

/// The page with `table` between the board's marks instead of what was there.
///
/// # Errors
/// If the page does not have both marks, in this order.
pub fn with_table(page: &str, board: Board, table: &str) -> Result<String> {
    let mark = begin(board);
    let begin = page.find(mark).with_context(|| format!("no line {mark:?}"))? + mark.len();
    let end = begin + page[begin..].find(END).with_context(|| format!("no line {END:?} after the first"))?;
    Ok(format!("{}\n{table}\n{}", &page[..begin], &page[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let (one, other) = (begin(Board::QemuVirt), begin(Board::Tegra2));
        let page = format!("before\n{one}old\n{END}after\n{other}{END}");
        let new = with_table(&page, Board::QemuVirt, "new\n").unwrap();
        assert_eq!(new, format!("before\n{one}\nnew\n\n{END}after\n{other}{END}"));
        assert_eq!(with_table(&new, Board::QemuVirt, "new\n").unwrap(), new);
        let both = with_table(&new, Board::Tegra2, "9\n").unwrap();
        assert_eq!(both, format!("before\n{one}\nnew\n\n{END}after\n{other}\n9\n\n{END}"));
        assert!(with_table("before\n", Board::QemuVirt, "new\n").is_err());
        assert!(with_table(&format!("{END}{one}"), Board::QemuVirt, "new\n").is_err());
    }
}
