//! The UniFFI face of veilfold-core.
