//! The decoder proof: `nex-decode` against capstone, word by word.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`oracle`] | the disassembler, which knows nothing of `nex-decode` |
//! | [`text`] | what `nex-decode` made of a word, written as assembly |
//! | [`judge`] | whether both agree; the table of harmless mnemonics |
//! | [`explained`] | disagreements that are known, with the reason |
//! | [`second`] | GNU objdump, for a second opinion on samples |
//! | [`space`] | the words to compare, and the totals |
//!
//! What is sensitive, trapping, or an exception is compared as text, operands included. What runs as it is must have a
//! mnemonic that the table here lists as harmless, must not have the PC as its destination unless the control flow says so,
//! and must have the same branch target and the same literal. `docs/decoder.md` has the results.

pub mod explained;
pub mod judge;
pub mod oracle;
pub mod second;
pub mod space;
pub mod text;
