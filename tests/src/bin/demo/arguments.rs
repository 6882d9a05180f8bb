//! What the demo is told on its command line.

use std::path::{Path, PathBuf};

const USAGE: &str = "usage: veilfold-demo [--json] [--trace FILE]

  --json        end with one line of JSON for programs
  --trace FILE  replay another recorded session, in the format that tests/traces/README.md describes";

/// Arguments.
pub struct Arguments {
    /// End with one line of JSON.
    pub json: bool,
    /// The recording.
    pub trace: PathBuf,
}

impl Arguments {
    /// Reads this process's arguments.
    ///
    /// # Errors
    /// The text to show instead of running.
    pub fn read() -> Result<Self, String> {
        let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces");
        let mut read = Self { json: false, trace: traces.join("friendsforever.json.gz") };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--json" => read.json = true,
                "--trace" => read.trace = arguments.next().ok_or("--trace wants a file")?.into(),
                "--help" | "-h" => return Err(USAGE.to_owned()),
                other => return Err(format!("unknown argument `{other}`\n\n{USAGE}")),
            }
        }
        Ok(read)
    }
}
