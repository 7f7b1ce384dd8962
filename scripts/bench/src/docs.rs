//! The table in a page.

use anyhow::{Context, Result};

/// Before the table.
pub const BEGIN: &str = "<!-- bench: written by `make bench DOCS=1` -->\n";
/// After it.
pub const END: &str = "<!-- bench: end -->\n";

/// The page with `table` between its marks instead of what was there.
///
/// # Errors
/// If the page does not have both marks, in this order.
pub fn with_table(page: &str, table: &str) -> Result<String> {
    let begin = page.find(BEGIN).with_context(|| format!("no line {BEGIN:?}"))? + BEGIN.len();
    let end = begin + page[begin..].find(END).with_context(|| format!("no line {END:?} after the first"))?;
    Ok(format!("{}\n{table}\n{}", &page[..begin], &page[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let page = format!("before\n{BEGIN}old\n{END}after\n");
        let new = with_table(&page, "new\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\nnew\n\n{END}after\n"));
        assert_eq!(with_table(&new, "new\n").unwrap(), new);
        assert!(with_table("before\n", "new\n").is_err());
        assert!(with_table(&format!("{END}{BEGIN}"), "new\n").is_err());
    }
}
