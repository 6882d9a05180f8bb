//! The slices of the XCFramework: platforms, architectures, and the oldest system each runs on.
//!
//! Everything else about a slice is derived from here.

use object::macho::{self, CpuType, Platform};

/// One folder of the XCFramework: a library for one platform, of one or two architectures.
#[derive(Debug, PartialEq, Eq)]
pub struct Slice {
    /// Xcode's name for it, which is the folder's name too.
    pub name: &'static str,
    /// `SupportedPlatform` of Info.plist.
    pub platform: &'static str,
    /// `SupportedPlatformVariant` of Info.plist.
    pub variant: Option<&'static str>,
    /// What LC_BUILD_VERSION of each object has to say.
    pub code: Platform,
    /// The oldest system: major and minor number.
    pub minimum: (u16, u8),
    /// The variable that tells Rust and C compilers of it.
    pub deployment_variable: &'static str,
    pub targets: &'static [Target],
}

/// One architecture of a slice.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// Rust's name.
    pub rust: &'static str,
    /// What Zig's C compiler calls it: system in the middle, so that its version can follow.
    pub zig: (&'static str, &'static str),
    /// `SupportedArchitectures` of Info.plist.
    pub architecture: &'static str,
    pub cpu: CpuType,
    /// The kind of that processor which all of them run; a fat file names it.
    pub cpu_kind: u32,
}

const ARM64: (&str, CpuType, u32) = ("arm64", macho::CPU_TYPE_ARM64, 0);
const X86_64: (&str, CpuType, u32) = ("x86_64", macho::CPU_TYPE_X86_64, 3);

const fn target(
    rust: &'static str,
    zig: (&'static str, &'static str),
    (architecture, cpu, cpu_kind): (&'static str, CpuType, u32),
) -> Target {
    Target { rust, zig, architecture, cpu, cpu_kind }
}

pub const SLICES: [Slice; 3] = [
    Slice {
        name: "ios-arm64",
        platform: "ios",
        variant: None,
        code: macho::PLATFORM_IOS,
        minimum: (15, 0),
        deployment_variable: "IPHONEOS_DEPLOYMENT_TARGET",
        targets: &[target("aarch64-apple-ios", ("aarch64-ios", "none"), ARM64)],
    },
    Slice {
        name: "ios-arm64_x86_64-simulator",
        platform: "ios",
        variant: Some("simulator"),
        code: macho::PLATFORM_IOSSIMULATOR,
        minimum: (15, 0),
        deployment_variable: "IPHONEOS_DEPLOYMENT_TARGET",
        targets: &[
            target("aarch64-apple-ios-sim", ("aarch64-ios", "simulator"), ARM64),
            target("x86_64-apple-ios", ("x86_64-ios", "simulator"), X86_64),
        ],
    },
    Slice {
        name: "macos-arm64_x86_64",
        platform: "macos",
        variant: None,
        code: macho::PLATFORM_MACOS,
        minimum: (12, 0),
        deployment_variable: "MACOSX_DEPLOYMENT_TARGET",
        targets: &[
            target("aarch64-apple-darwin", ("aarch64-macos", "none"), ARM64),
            target("x86_64-apple-darwin", ("x86_64-macos", "none"), X86_64),
        ],
    },
];

impl Slice {
    pub fn minimum_text(&self) -> String {
        format!("{}.{}", self.minimum.0, self.minimum.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_called_what_xcode_calls_it() {
        for slice in &SLICES {
            let architectures: Vec<_> = slice.targets.iter().map(|target| target.architecture).collect();
            let variant = slice.variant.map(|variant| format!("-{variant}")).unwrap_or_default();
            assert_eq!(slice.name, format!("{}-{}{variant}", slice.platform, architectures.join("_")));
        }
    }
}
