//! Lays the built libraries out as an XCFramework and as a Swift package that fetches it.
//!
//! Only writes files. `checks.rs` reads them again and judges them.

use super::slices::{SLICES, Slice};
use crate::command::Run;
use crate::place::{LICENCES, Place};
use crate::zip;
use plist::{Dictionary, Value};
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

/// The C module, the binary target and the folder are called alike; so says `uniffi.toml`.
pub const MODULE: &str = "VeilfoldFFIC";
/// The Swift module that is generated.
pub const GENERATED: &str = "VeilfoldFFI";
/// The Swift module that apps import.
pub const WRITTEN: &str = "Veilfold";
/// The Swift module that their tests import.
pub const TESTING: &str = "VeilfoldTesting";
pub const LIBRARY: &str = "libveilfold_ffi.a";
pub const PRIVACY: &str = "PrivacyInfo.xcprivacy";
const DOWNLOADS: &str = "https://github.com/veilfold/veilfold/releases/download";

/// Where the parts of the package lie.
pub struct Layout {
    /// The unpacked XCFramework.
    pub framework: PathBuf,
    pub zip: PathBuf,
    /// The Swift package that names the zip and its sum.
    pub package: PathBuf,
    /// What UniFFI generates: Swift, header, module map.
    pub generated: PathBuf,
}

impl Layout {
    pub fn of(place: &Place, tried: bool) -> Self {
        let dist = place.target.join(if tried { "xcframework/tried" } else { "dist" });
        Self {
            framework: place.target.join("xcframework").join(format!("{MODULE}.xcframework")),
            zip: dist.join(format!("{MODULE}.xcframework.zip")),
            package: dist.join("swift"),
            generated: place.target.join("xcframework/generated"),
        }
    }

    pub fn headers(&self, slice: &Slice) -> PathBuf {
        self.framework.join(slice.name).join("Headers").join(MODULE)
    }

    pub fn library(&self, slice: &Slice) -> PathBuf {
        self.framework.join(slice.name).join(LIBRARY)
    }
}

/// Swift, header and module map, from the metadata in a library as it is shipped.
pub fn generate(place: &Place, layout: &Layout, library: &Path) -> bool {
    let _ = std::fs::remove_dir_all(&layout.generated);
    Run::cargo_in(place)
        .args(["run", "-q", "-p", "veilfold-ffi", "--features", "bindgen,testing"])
        .args(["--bin", "uniffi-bindgen", "--", "generate", "--language", "swift", "--no-format"])
        .args(["--config", "uniffi.toml", "--out-dir"])
        .arg(&layout.generated)
        .arg(library)
        .succeeds()
}

/// Writes one slice: its library, and the header with its module map in a folder of their own, since
/// two packages in one app would otherwise both have `include/module.modulemap`.
pub fn slice(layout: &Layout, slice: &Slice, library: &[u8], privacy: &Value) -> Result<()> {
    let headers = layout.headers(slice);
    std::fs::create_dir_all(&headers)?;
    std::fs::write(layout.library(slice), library)?;
    let header = format!("{MODULE}.h");
    std::fs::copy(layout.generated.join(&header), headers.join(&header))?;
    let map = layout.generated.join(format!("{MODULE}.modulemap"));
    std::fs::copy(map, headers.join("module.modulemap"))?;
    privacy.to_file_xml(layout.framework.join(slice.name).join(PRIVACY)).map_err(Error::other)
}

/// The list of slices that Xcode reads first.
pub fn info(layout: &Layout, slices: &[&Slice]) -> Result<()> {
    let libraries = slices.iter().map(|slice| {
        let architectures = slice.targets.iter().map(|target| Value::from(target.architecture)).collect();
        let mut library = Dictionary::new();
        library.insert("BinaryPath".to_owned(), LIBRARY.into());
        library.insert("HeadersPath".to_owned(), "Headers".into());
        library.insert("LibraryIdentifier".to_owned(), slice.name.into());
        library.insert("LibraryPath".to_owned(), LIBRARY.into());
        library.insert("SupportedArchitectures".to_owned(), Value::Array(architectures));
        library.insert("SupportedPlatform".to_owned(), slice.platform.into());
        if let Some(variant) = slice.variant {
            library.insert("SupportedPlatformVariant".to_owned(), variant.into());
        }
        Value::Dictionary(library)
    });
    let mut info = Dictionary::new();
    info.insert("AvailableLibraries".to_owned(), Value::Array(libraries.collect()));
    info.insert("CFBundlePackageType".to_owned(), "XFWK".into());
    info.insert("XCFrameworkFormatVersion".to_owned(), "1.0".into());
    Value::Dictionary(info).to_file_xml(layout.framework.join("Info.plist")).map_err(Error::other)
}

/// Apple's privacy manifest: nothing is collected, nobody is tracked; these functions are used.
pub fn privacy(declared: &[(&str, &str)]) -> Value {
    let used = declared.iter().map(|(category, reason)| {
        let mut entry = Dictionary::new();
        entry.insert("NSPrivacyAccessedAPIType".to_owned(), (*category).into());
        let reasons = Value::Array(vec![(*reason).into()]);
        entry.insert("NSPrivacyAccessedAPITypeReasons".to_owned(), reasons);
        Value::Dictionary(entry)
    });
    let mut manifest = Dictionary::new();
    manifest.insert("NSPrivacyTracking".to_owned(), false.into());
    manifest.insert("NSPrivacyTrackingDomains".to_owned(), Value::Array(Vec::new()));
    manifest.insert("NSPrivacyCollectedDataTypes".to_owned(), Value::Array(Vec::new()));
    manifest.insert("NSPrivacyAccessedAPITypes".to_owned(), Value::Array(used.collect()));
    Value::Dictionary(manifest)
}

/// What the Swift code declares, and what the library it links uses besides.
fn both(mut swift: Value, library: &Value) -> Value {
    let category = |entry: &Value| {
        let category = entry.as_dictionary()?.get("NSPrivacyAccessedAPIType")?;
        category.as_string().map(str::to_owned)
    };
    let types = |manifest: &Value| -> Vec<Value> {
        let types = manifest.as_dictionary().and_then(|root| root.get("NSPrivacyAccessedAPITypes"));
        types.and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let mut declared = types(&swift);
    for entry in types(library) {
        if declared.iter().all(|own| category(own) != category(&entry)) {
            declared.push(entry);
        }
    }
    if let Some(root) = swift.as_dictionary_mut() {
        root.insert("NSPrivacyAccessedAPITypes".to_owned(), Value::Array(declared));
    }
    swift
}

/// Packs the XCFramework and returns the sum that SwiftPM asks for: SHA-256 of the archive.
pub fn pack(layout: &Layout) -> Result<String> {
    if let Some(folder) = layout.zip.parent() {
        std::fs::create_dir_all(folder)?;
    }
    zip::write(&layout.zip, &zip::folder(&layout.framework, &format!("{MODULE}.xcframework"))?)?;
    Ok(zip::sha256(&std::fs::read(&layout.zip)?))
}

/// The package that apps depend on: sources, and the XCFramework by its address and sum.
pub fn swift_package(place: &Place, layout: &Layout, checksum: &str, privacy: &Value) -> Result<()> {
    let _ = std::fs::remove_dir_all(&layout.package);
    let sources = layout.package.join("Sources");
    let generated = sources.join(GENERATED);
    std::fs::create_dir_all(&generated)?;
    let file = format!("{GENERATED}.swift");
    std::fs::copy(layout.generated.join(&file), generated.join(&file))?;
    let written = place.root.join("bindings/swift/Sources");
    for module in [WRITTEN, TESTING] {
        for (name, bytes) in zip::folder(&written.join(module), module)? {
            let to = sources.join(name);
            std::fs::create_dir_all(to.parent().unwrap_or(&sources))?;
            std::fs::write(to, bytes)?;
        }
    }
    // A static library has no resources of its own; the module that links it brings the manifest.
    let own = sources.join(WRITTEN).join(PRIVACY);
    let joined = Value::from_file(&own).map(|own| both(own, privacy));
    joined.as_ref().unwrap_or(privacy).to_file_xml(own).map_err(Error::other)?;
    for name in LICENCES {
        std::fs::copy(place.root.join(name), layout.package.join(name))?;
    }
    std::fs::write(layout.package.join("Package.swift"), manifest(checksum))
}

fn manifest(checksum: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let minimum = |platform: &str| {
        SLICES.iter().find(|slice| slice.platform == platform).map_or(0, |slice| slice.minimum.0)
    };
    let (ios, macos) = (minimum("ios"), minimum("macos"));
    format!(
        r#"// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "{WRITTEN}",
    platforms: [.iOS(.v{ios}), .macOS(.v{macos})],
    products: [
        .library(name: "{WRITTEN}", targets: ["{WRITTEN}"]),
        // For tests: a Relay in their own process.
        .library(name: "{TESTING}", targets: ["{TESTING}"]),
    ],
    targets: [
        .target(
            name: "{WRITTEN}",
            dependencies: ["{GENERATED}"],
            resources: [.copy("{PRIVACY}")]
        ),
        .target(name: "{TESTING}", dependencies: ["{WRITTEN}", "{GENERATED}"]),
        .target(
            name: "{GENERATED}",
            dependencies: ["{MODULE}"],
            linkerSettings: [.linkedFramework("CoreFoundation"), .linkedFramework("Security")]
        ),
        .binaryTarget(
            name: "{MODULE}",
            url: "{DOWNLOADS}/v{version}/{MODULE}.xcframework.zip",
            checksum: "{checksum}"
        ),
    ]
)
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_keeps_what_swift_declares_and_adds_what_the_library_uses() {
        let swift = privacy(&[("A", "1"), ("B", "2")]);
        let joined = both(swift, &privacy(&[("B", "9"), ("C", "3")]));
        assert_eq!(joined, privacy(&[("A", "1"), ("B", "2"), ("C", "3")]));
    }
}
