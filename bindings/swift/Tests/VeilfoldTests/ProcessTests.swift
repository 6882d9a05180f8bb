import Foundation
import VeilfoldTesting
import XCTest

/// Processes that end while Veilfold works for them: with their own status, at once, and without a word.
final class ProcessTests: XCTestCase {
    func testAProcessExitsWhileAResolverRuns() throws {
        try ends(while: "resolver")
    }

    func testAProcessExitsWhileItWatchesAndWrites() throws {
        try ends(while: "watch")
    }

    private func ends(while what: String) throws {
        let stores = try TestStores()
        let (child, errors, ended) = (Process(), Pipe(), DispatchSemaphore(value: 0))
        child.executableURL = products.appendingPathComponent("veilfold-busy")
        child.arguments = [what, stores.file("busy").path]
        child.standardError = errors
        child.terminationHandler = { _ in ended.signal() }
        try child.run()
        guard ended.wait(timeout: .now() + 40) == .success else {
            kill(child.processIdentifier, SIGKILL)
            return XCTFail("the child does not end")
        }
        let said = errors.fileHandleForReading.readDataToEndOfFile()
        XCTAssertEqual(String(decoding: said, as: UTF8.self), "")
        XCTAssertEqual(child.terminationReason, .exit)
        XCTAssertEqual(child.terminationStatus, 7)
    }

    /// Where the programs of the package lie, beside its tests.
    private var products: URL {
        #if canImport(Darwin)
        return Bundle(for: Self.self).bundleURL.deletingLastPathComponent()
        #else
        return URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        #endif
    }
}
