//! Veilfold's engine: encrypted log, deterministic documents, sync.
