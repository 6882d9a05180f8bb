//! One suite for every store of a Device, and what only a file can show: faults, kills, two openers.
//!
//! A new store is added to `every_store!` below. What rows mean is not tested here.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod differential;
mod faults;
mod kill;
mod rate;
mod stores;
mod suite;

/// Runs each behaviour of `suite.rs` on each store.
macro_rules! every_store {
    ($($behaviour:ident,)*) => {
        mod memory {
            $(#[test]
            fn $behaviour() {
                crate::suite::$behaviour(&mut veilfold_core::store::MemoryStore::new());
            })*
        }

        mod sqlite {
            $(#[test]
            fn $behaviour() {
                crate::suite::$behaviour(&mut *crate::stores::SqliteFolder::new().open());
            })*
        }
    };
}

every_store! {
    a_row_is_there_until_it_is_replaced_or_deleted,
    tables_are_apart,
    keys_are_ordered_byte_by_byte,
    a_range_has_its_first_key_and_not_its_last,
    a_range_that_ends_before_it_begins_is_empty,
    a_scan_stops_at_its_limit,
    a_prefix_ends_where_its_last_byte_is_full,
    the_last_row_of_a_range_is_its_largest,
    keys_and_values_may_be_empty_and_hold_any_byte,
    large_values_come_back_whole,
    reads_see_the_open_transaction,
    rollback_restores_what_was_replaced_deleted_and_added,
    rollback_without_a_transaction_does_nothing,
    a_transaction_is_opened_once,
    writes_need_a_transaction,
    an_empty_transaction_commits,
    either_durability_commits,
    many_rows_in_one_transaction,
}
