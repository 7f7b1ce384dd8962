//! Exceptions that the kernel handles: from User mode and back, and from the kernel.

use super::{empty, kernel_loop, user};
use crate::measure::{How, Row};
use crate::memory_map::{FAULTED_PAGES, FAULTED_VA, UNMAPPED_VA};
use crate::vectors::{Vector, as_linux, map_missing, return_at_once, save_and_restore, skip_aborted};

const fn row(name: &'static str, how: How) -> Row {
    Row::new("exception", name, 10_000, how)
}

pub(super) const ROWS: &[Row] = &[
    row("SVC from user and back", How::User(user::svc)).handler(Vector::Svc, return_at_once),
    row("SVC, registers saved", How::User(user::svc)).handler(Vector::Svc, save_and_restore),
    row("SVC, as Linux", How::User(user::svc)).handler(Vector::Svc, as_linux),
    row("data abort from user", How::User(user::load))
        .arguments([UNMAPPED_VA, 0, 0])
        .handler(Vector::DataAbort, skip_aborted),
    row("data abort from kernel", How::Net(load, empty))
        .arguments([UNMAPPED_VA, 0, 0])
        .handler(Vector::DataAbort, skip_aborted),
    row("undefined from user", How::User(user::undefined)).handler(Vector::Undefined, return_at_once),
    row("undefined from kernel", How::Net(undefined, empty)).handler(Vector::Undefined, return_at_once),
    // Each page once: the handler maps it.
    Row::new("exception", "page fault, page mapped", FAULTED_PAGES, How::User(user::load_pages))
        .arguments([FAULTED_VA, 0, 0])
        .handler(Vector::DataAbort, map_missing),
];

kernel_loop! { load: "ldr r4, [r1]" }
kernel_loop! { undefined: "udf #0" }
