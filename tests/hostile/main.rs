//! What a client makes of a Relay that lies: it names what was wrong, loses nothing, goes on taking
//! edits, and goes on with an honest Relay wherever it has not been led onto another log.
//!
//! `relay.rs` is a Relay with two doors, `lies.rs` what it says at the second, `endure.rs` the story
//! that every lie here is told in. `doors.rs` is about the one that apps get for their tests.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod doors;
mod endure;
mod lies;
mod relay;

use endure::{After, Where, endure, endure_with};
use lies::Lie;
use veilfold_core::wire::{TransportFault, WireError};

#[tokio::test]
async fn bytes_that_mean_nothing() {
    let named =
        |fault: &TransportFault| matches!(fault, TransportFault::Malformed(WireError::Unknown { .. }));
    endure(Lie::Garbage, Where::Connection, named, After::GoesOn).await;
}

#[tokio::test]
async fn half_a_page() {
    let named =
        |fault: &TransportFault| matches!(fault, TransportFault::Malformed(WireError::TooShort { .. }));
    endure(Lie::HalfPage, Where::Connection, named, After::GoesOn).await;
}

#[tokio::test]
async fn a_message_that_is_too_large() {
    endure(Lie::LargeMessage, Where::Transport, |_| false, After::GoesOn).await;
}

#[tokio::test]
async fn an_entry_that_is_too_large() {
    let named =
        |fault: &TransportFault| matches!(fault, TransportFault::Malformed(WireError::TooLarge { .. }));
    endure(Lie::LargeEntry, Where::Connection, named, After::GoesOn).await;
}

#[tokio::test]
async fn a_login_signed_by_somebody_else() {
    let named = |fault: &TransportFault| *fault == TransportFault::BadRelaySignature;
    endure(Lie::ForgedLogin, Where::Connection, named, After::GoesOn).await;
}

#[tokio::test]
async fn a_head_signed_by_somebody_else() {
    let named = |fault: &TransportFault| *fault == TransportFault::BadRelaySignature;
    endure(Lie::ForgedHead, Where::Space, named, After::GoesOn).await;
}

#[tokio::test]
async fn a_shorter_log_than_before() {
    let named = |fault: &TransportFault| matches!(fault, TransportFault::Rollback { found: 1, .. });
    endure(Lie::ShorterLog, Where::Space, named, After::GoesOn).await;
}

#[tokio::test]
async fn another_chain_at_the_same_position() {
    let named = |fault: &TransportFault| matches!(fault, TransportFault::HeadMismatch { .. });
    endure(Lie::OtherLog, Where::Space, named, After::GoesOn).await;
}

#[tokio::test]
async fn a_position_that_is_skipped() {
    let named = |fault: &TransportFault| matches!(fault, TransportFault::WrongPosition { expected, found } if *found == expected + 1);
    endure(Lie::SkippedPosition, Where::Space, named, After::GoesOn).await;
}

#[tokio::test]
async fn an_entry_that_is_left_out() {
    let named = |fault: &TransportFault| {
        matches!(fault, TransportFault::AuthorGap { .. } | TransportFault::SeenAhead { .. })
    };
    endure(Lie::LeftOut, Where::Space, named, After::GoesOn).await;
}

#[tokio::test]
async fn two_entries_that_are_swapped() {
    let named = |fault: &TransportFault| {
        matches!(fault, TransportFault::AuthorGap { .. } | TransportFault::SeenAhead { .. })
    };
    endure(Lie::Swapped, Where::Space, named, After::GoesOn).await;
}

#[tokio::test]
async fn an_entry_that_has_two_places() {
    // Everybody skips the second; what its author had seen later tells of another log.
    let named = |fault: &TransportFault| matches!(fault, TransportFault::ForkDetected { .. });
    endure(Lie::Repeated, Where::Space, named, After::StaysForked).await;
}

#[tokio::test]
async fn a_sealed_byte_that_is_altered() {
    let named = |fault: &TransportFault| {
        matches!(fault, TransportFault::BadSignature { .. } | TransportFault::AuthorGap { .. })
    };
    endure(Lie::AlteredBody, Where::Space, named, After::GoesOn).await;
}

#[tokio::test]
async fn a_signature_that_is_altered() {
    let named = |fault: &TransportFault| matches!(fault, TransportFault::BadSignature { .. });
    endure(Lie::AlteredSignature, Where::Space, named, After::GoesOn).await;
}

#[tokio::test]
async fn an_entry_in_the_name_of_another() {
    let named = |fault: &TransportFault| {
        matches!(fault, TransportFault::BadSignature { .. } | TransportFault::AuthorGap { .. })
    };
    endure(Lie::OtherAuthor, Where::Space, named, After::GoesOn).await;
}

#[tokio::test]
async fn an_entry_in_the_name_of_a_stranger() {
    // Everybody skips what no Member wrote; what the next author had seen tells of another log.
    let named = |fault: &TransportFault| matches!(fault, TransportFault::ForkDetected { .. });
    endure(Lie::StrangeAuthor, Where::Space, named, After::StaysForked).await;
}

#[tokio::test]
async fn entries_of_another_space() {
    let named = |fault: &TransportFault| {
        matches!(
            fault,
            TransportFault::ForkDetected { .. }
                | TransportFault::AuthorGap { .. }
                | TransportFault::BadSignature { .. }
        )
    };
    let other = |entries| Lie::OtherSpace(entries);
    endure_with(other, Where::Space, named, After::GoesOn).await;
}

#[tokio::test]
async fn a_receipt_for_another_entry() {
    let named = |fault: &TransportFault| matches!(fault, TransportFault::HeadMismatch { .. });
    endure(Lie::OtherReceipt, Where::Space, named, After::GoesOn).await;
}

#[tokio::test]
async fn an_acknowledgement_that_is_taken_back() {
    let named = |fault: &TransportFault| matches!(fault, TransportFault::Rollback { .. });
    endure(Lie::Forgets, Where::Space, named, After::StaysForked).await;
}

#[tokio::test]
async fn a_space_that_nobody_asked_for() {
    endure(Lie::StrangeSpace, Where::Nowhere, |_| false, After::GoesOn).await;
}
