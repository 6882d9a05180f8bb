//! Where things are: the root of the checkout and the folder for everything that is built.
//!
//! Used by every verb. Nothing here creates anything.

use std::path::{Path, PathBuf};

/// The texts that go into everything that is handed out, at the root of the checkout.
pub const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// The checkout that this xtask was built from.
pub struct Place {
    /// The folder with the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder; everything else that is made goes there too.
    pub target: PathBuf,
}

impl Place {
    /// The root is known from where this package was built; the target folder is cargo's own choice.
    pub fn find() -> Self {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = package.parent().unwrap_or(package).to_path_buf();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => std::path::absolute(&folder).unwrap_or_else(|_| PathBuf::from(folder)),
            None => root.join("target"),
        };
        Self { root, target }
    }

    /// A binary that was built with the tests, in the profile of the tests.
    pub fn test_binary(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// A virtual environment for Python, made when it is needed.
    pub fn venv(&self, name: &str) -> PathBuf {
        self.target.join("venv").join(name)
    }
}
