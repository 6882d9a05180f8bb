//! The veilfold command.
fn main() {}
