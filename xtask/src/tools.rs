//! What tasks need from the machine, whether it is there, and the one command that gets it.
//!
//! Asked by the verbs before they start something. Nothing is installed unless `--install` was given.

use crate::command::Run;
use crate::place::Place;
use std::path::PathBuf;

/// Something that does not come with a Rust toolchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// A C compiler: SQLite and the recording layer of the power-loss test are C.
    C,
    /// Python 3.10 or newer with `venv`.
    Python,
    /// Python without a global lock.
    FreeThreaded,
    /// A JDK and Maven.
    Java,
    /// Swift 6 or newer.
    Swift,
    /// `rustfmt` and `clippy`.
    Components,
    /// Looks at licences, sources and duplicates of all dependencies.
    CargoDeny,
    /// Builds and runs the fuzz targets, with the toolchain that it needs.
    CargoFuzz,
    /// Changes code and looks whether the tests notice.
    CargoMutants,
}

impl Tool {
    /// How a person gets it.
    pub fn how(self) -> &'static str {
        match self {
            Tool::C => "apt-get install -y build-essential",
            Tool::Python => "apt-get install -y python3 python3-venv",
            Tool::FreeThreaded => {
                "apt-get install -y libffi-dev && cargo xtask python --free-threaded --install"
            }
            Tool::Java => "apt-get install -y openjdk-17-jdk-headless maven",
            Tool::Swift => {
                "apt-get install -y mmdebstrap && cargo xtask swift --install, which makes a Debian root with Swift"
            }
            Tool::Components => "rustup component add rustfmt clippy",
            Tool::CargoDeny => "cargo install cargo-deny --locked",
            Tool::CargoMutants => "cargo install cargo-mutants --locked",
            Tool::CargoFuzz => {
                "rustup toolchain install nightly --profile minimal && cargo install cargo-fuzz --locked"
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Tool::C => "a C compiler",
            Tool::Python => "Python 3.10 or newer with venv",
            Tool::FreeThreaded => "Python 3.13 or newer without a global lock",
            Tool::Java => "a JDK 17 or newer and Maven",
            Tool::Swift => "Swift 6 or newer",
            Tool::Components => "rustfmt and clippy",
            Tool::CargoDeny => "cargo-deny",
            Tool::CargoMutants => "cargo-mutants",
            Tool::CargoFuzz => "cargo-fuzz with a nightly toolchain",
        }
    }

    pub fn is_there(self, place: &Place) -> bool {
        let answers = |program: &str, arguments: &[&str]| {
            Run::new(program, &place.root).args(arguments).quietly().is_some()
        };
        match self {
            Tool::C => answers("cc", &["--version"]),
            Tool::Python => {
                answers("python3", &["-c", "import sys, venv, ensurepip; assert sys.version_info >= (3, 10)"])
            }
            Tool::FreeThreaded => crate::python::free_threaded::interpreter(place).is_some(),
            Tool::Java => answers("javac", &["--version"]) && answers("mvn", &["--version"]),
            Tool::Swift => crate::swift::Toolchain::find(place).is_some(),
            Tool::Components => {
                answers("cargo", &["fmt", "--version"]) && answers("cargo", &["clippy", "--version"])
            }
            Tool::CargoDeny => cargo_tool(place, "cargo-deny").is_some(),
            Tool::CargoMutants => cargo_tool(place, "cargo-mutants").is_some(),
            Tool::CargoFuzz => {
                cargo_tool(place, "cargo-fuzz").is_some() && answers("cargo", &["+nightly", "--version"])
            }
        }
    }

    /// True when the tool is there, after installing it if that was allowed; says what is missing.
    pub fn get(self, place: &Place, install: bool) -> bool {
        if self.is_there(place) {
            return true;
        }
        if !install {
            println!("missing: {}. Get it with: {} (or give --install)", self.name(), self.how());
            return false;
        }
        let installed = match self {
            Tool::C => apt(place, &["build-essential"]),
            Tool::Python => apt(place, &["python3", "python3-venv"]),
            Tool::FreeThreaded => crate::python::free_threaded::compile(place),
            Tool::Java => apt(place, &["openjdk-17-jdk-headless", "maven"]),
            Tool::Swift => crate::swift::make_root(place),
            Tool::Components => {
                Run::new("rustup", &place.root).args(["component", "add", "rustfmt", "clippy"]).succeeds()
            }
            Tool::CargoDeny => cargo_install(place, "cargo-deny"),
            Tool::CargoMutants => cargo_install(place, "cargo-mutants"),
            Tool::CargoFuzz => {
                Run::new("rustup", &place.root)
                    .args(["toolchain", "install", "nightly", "--profile", "minimal"])
                    .succeeds()
                    && cargo_install(place, "cargo-fuzz")
            }
        };
        installed && self.is_there(place)
    }
}

/// Where a cargo subcommand lies: on the path, or where [`cargo_install`] put it.
pub fn cargo_tool(place: &Place, name: &str) -> Option<PathBuf> {
    let own = place.target.join("tools/bin").join(name);
    if own.is_file() {
        return Some(own);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Into the target folder, so that it is kept and removed with everything else that was built.
fn cargo_install(place: &Place, name: &str) -> bool {
    Run::cargo(&place.root)
        .args(["install", "--locked", name, "--root"])
        .arg(place.target.join("tools"))
        .arg("--target-dir")
        .arg(place.target.join("tools/build"))
        .succeeds()
}

pub fn apt(place: &Place, packages: &[&str]) -> bool {
    let root = Run::new("id", &place.root).arg("-u").quietly().is_some_and(|id| id.trim() == "0");
    let apt_get = |arguments: &[&str]| {
        let run = if root {
            Run::new("apt-get", &place.root)
        } else {
            Run::new("sudo", &place.root).arg("apt-get")
        };
        run.args(arguments)
    };
    apt_get(&["update"]).succeeds() && apt_get(&["install", "-y"]).args(packages).succeeds()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_says_how_to_get_it() {
        for tool in [
            Tool::C,
            Tool::Python,
            Tool::FreeThreaded,
            Tool::Java,
            Tool::Swift,
            Tool::Components,
            Tool::CargoDeny,
            Tool::CargoFuzz,
            Tool::CargoMutants,
        ] {
            assert!(tool.how().contains(" install ") || tool.how().contains(" add "), "{tool:?}");
        }
    }
}
