//! `veilfold-relay` as a process of its own, found beside the program that starts it.
//!
//! Used by the demo and by tests that kill it. What it stores is looked at by its caller.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running Relay, killed when dropped.
#[derive(Debug)]
pub struct RelayProcess {
    child: Child,
    address: String,
    key: String,
}

impl RelayProcess {
    /// Starts one that keeps its data in `data` and listens at `listen`, and waits until it does.
    ///
    /// # Errors
    /// When the program is not there, does not start, or does not say where it listens.
    pub fn start(data: &Path, listen: &str) -> io::Result<Self> {
        let binary = program("veilfold-relay")?;
        let mut child = Command::new(&binary)
            .args(["--listen", listen, "--data"])
            .arg(data)
            .env("VEILFOLD_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", binary.display())))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        match (said["listening"].as_str(), said["relay_key"].as_str()) {
            (Some(address), Some(key)) => {
                Ok(Self { child, address: address.to_owned(), key: key.to_owned() })
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                Err(io::Error::other("the relay did not say where it listens"))
            }
        }
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its signing key, in hex.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, without a chance to finish anything.
    ///
    /// # Errors
    /// As the system says.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Beside this program, or beside the folder of a test's program.
/// A program of this workspace, beside the one that runs.
///
/// # Errors
/// When it was not built.
pub fn program(name: &str) -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    beside.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        let text = format!("{name} is not built; run `cargo build --workspace` in the same profile");
        io::Error::new(io::ErrorKind::NotFound, text)
    })
}
