//! Input for a reader without room waits for it, but not for ever.

use nex_console::{Flow, Next, Source};

const ONE: Source = Source::Domain(1);
const TWO: Source = Source::Domain(2);

#[test]
fn with_room_nothing_waits() {
    let mut flow = Flow::new();
    assert_eq!(flow.next(ONE, true, || panic!("no need of the clock")), Next::Take);
    assert_eq!(flow.deadline_ns(), None);
    assert!(!flow.has_read(ONE));
    assert!(!flow.expire(u64::MAX));
}

#[test]
fn without_room_it_waits_until_the_reader_reads() {
    let mut flow = Flow::new();
    assert_eq!(flow.next(ONE, false, || 100), Next::Wait);
    assert_eq!(flow.next(ONE, false, || 500), Next::Wait);
    assert_eq!(flow.deadline_ns(), Some(100 + Flow::PATIENCE_NS), "since the first refusal");
    assert!(!flow.has_read(TWO), "nothing waited for that one");
    assert!(flow.has_read(ONE));
    assert_eq!(flow.deadline_ns(), None);
    // Whoever reads, however slowly, has all the time in the world.
    assert_eq!(flow.next(ONE, false, || 1000), Next::Wait);
    assert_eq!(flow.deadline_ns(), Some(1000 + Flow::PATIENCE_NS));
}

#[test]
fn a_reader_that_takes_nothing_is_not_waited_for() {
    let mut flow = Flow::new();
    for reader in [Source::Nex, ONE, Source::Domain(63)] {
        assert_eq!(flow.next(reader, false, || 0), Next::Wait);
        assert!(!flow.expire(Flow::PATIENCE_NS - 1));
        assert_eq!(flow.next(reader, false, || 1), Next::Wait);
        assert!(flow.expire(Flow::PATIENCE_NS));
        assert_eq!(flow.next(reader, false, || 2), Next::Take, "and lost");
        assert_eq!(flow.next(TWO, false, || 3), Next::Wait, "others are not deaf");
        assert!(flow.has_read(TWO));
        assert!(!flow.has_read(reader));
        assert_eq!(flow.next(reader, false, || 4), Next::Wait, "it has read again");
        assert!(flow.has_read(reader));
    }
}

#[test]
fn another_reader_has_its_own_time() {
    let mut flow = Flow::new();
    assert_eq!(flow.next(ONE, false, || 100), Next::Wait);
    assert_eq!(flow.next(TWO, false, || 900), Next::Wait);
    assert_eq!(flow.deadline_ns(), Some(900 + Flow::PATIENCE_NS));
}
