//! Boots the real image in QEMU and reads its console.
