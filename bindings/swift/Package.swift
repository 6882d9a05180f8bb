// swift-tools-version: 6.0
// For work on Veilfold itself: `cargo xtask swift` makes what it needs, builds and tests it. Apps depend
// on the package that `cargo xtask xcframework` makes, which has these sources and the library in it.
import PackageDescription

let package = Package(
    name: "Veilfold",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [
        .library(name: "Veilfold", targets: ["Veilfold"]),
        .library(name: "VeilfoldTesting", targets: ["VeilfoldTesting"]),
        .executable(name: "shared-list", targets: ["SharedListTool"]),
    ],
    targets: [
        .target(
            name: "Veilfold",
            dependencies: ["VeilfoldFFI"],
            resources: [.copy("PrivacyInfo.xcprivacy")]
        ),
        .target(name: "VeilfoldTesting", dependencies: ["Veilfold", "VeilfoldFFI"]),
        // Generated from the library; apps never import it.
        .target(name: "VeilfoldFFI", dependencies: ["VeilfoldFFIC"]),
        .systemLibrary(name: "VeilfoldFFIC"),
        .executableTarget(
            name: "veilfold-player",
            dependencies: ["Veilfold"]
        ),
        // Ends in the middle of something, for the tests of that.
        .executableTarget(name: "veilfold-busy", dependencies: ["Veilfold", "VeilfoldTesting"]),
        // The Swift blocks of the documents, as a program.
        .executableTarget(name: "veilfold-blocks", dependencies: ["Veilfold", "VeilfoldTesting"]),
        .target(name: "SharedList", dependencies: ["Veilfold"], path: "Examples/SharedList"),
        .executableTarget(
            name: "SharedListTool",
            dependencies: ["SharedList", "VeilfoldTesting"],
            path: "Examples/SharedListTool"
        ),
        .testTarget(
            name: "VeilfoldTests",
            dependencies: ["Veilfold", "VeilfoldTesting", "VeilfoldFFI", "SharedList"]
        ),
    ],
    swiftLanguageModes: [.v6]
)
