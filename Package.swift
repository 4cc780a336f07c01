// swift-tools-version: 6.2
import PackageDescription

// The model checker builds the sources with its own words and waits, and nothing but what it checks.
let isModel = Context.environment["TROUPE_MODEL"] != nil

// Builds with the C file for any system with POSIX threads on Linux too, where it can be tested (Docs/Platforms.md).
let isPortable = Context.environment["TROUPE_PORTABLE"] != nil

// Warnings are errors in our own checks only: a dependent must be able to build with a newer compiler.
let strict = Context.environment["TROUPE_CI"] != nil && !isModel

let settings: [SwiftSetting] =
  [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    // `associatedtype Message: ~Copyable` (SE-0503); needed where it is declared, not by clients.
    .enableExperimentalFeature("SuppressedAssociatedTypes"),
  ] + (strict ? [.treatAllWarnings(as: .error)] : [])

let sources: [Target] = [
  .target(name: "CTroupeShims", cSettings: isPortable ? [.define("TROUPE_PORTABLE")] : []),
  .target(name: "CTroupeSockets", cSettings: isPortable ? [.define("TROUPE_PORTABLE")] : []),
  .target(
    name: "TroupeChannels", dependencies: ["CTroupeShims"] + (isModel ? ["TroupeModel"] : []),
    exclude: [isModel ? "Waiting/Backoff.swift" : "Model"], swiftSettings: settings),
  .target(
    name: "Troupe",
    dependencies: ["TroupeChannels", "CTroupeShims", "CTroupeSockets"] + (isModel ? ["TroupeModel"] : []),
    exclude: isModel
      ? ["Scheduler/PoolScheduler+Dispatch.swift", "Scheduler/PoolSizes.swift", "Readiness/DescriptorSet.swift"]
      : ["Model"],
    swiftSettings: settings),
]

let programs: [Target] = [
  .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
  // Without the trait nothing of it is compiled, so that it needs no OpenSSL.
  .target(
    name: "CTroupeTLS", dependencies: [.target(name: "COpenSSL", condition: .when(traits: ["TLS"]))],
    cSettings: [.define("TROUPE_TLS", .when(traits: ["TLS"]))]),
  .target(
    name: "TroupeNet",
    dependencies: [
      "Troupe", "TroupeChannels", "CTroupeSockets",
      .target(name: "CTroupeTLS", condition: .when(traits: ["TLS"])),
    ],
    swiftSettings: settings + [.enableExperimentalFeature("Lifetimes")]),
  .target(name: "CTroupeFiles"),
  .target(
    name: "TroupeHTTP", dependencies: ["TroupeNet", "Troupe", "CTroupeFiles"],
    swiftSettings: settings + [.enableExperimentalFeature("Lifetimes")]),
  .executableTarget(
    name: "http-fuzz", dependencies: ["TroupeHTTP", "TroupeNet"], path: "Tests/Fuzz/HTTP", swiftSettings: settings),
  .executableTarget(
    name: "netbench", dependencies: ["TroupeHTTP", "TroupeNet"], path: "Samples/Benchmarks/Network/Sources",
    swiftSettings: settings),
  .target(name: "TroupeTestKit", dependencies: ["Troupe"], swiftSettings: settings),
  .executableTarget(
    name: "troupe-bench", dependencies: ["Troupe"], path: "Samples/Benchmarks/Sources", swiftSettings: settings),
  .executableTarget(
    name: "Mpsc", dependencies: ["TroupeChannels"], path: "Samples/Mpsc/Sources", swiftSettings: settings),
  .executableTarget(
    name: "Soak", dependencies: ["Troupe"], path: "Samples/Soak/Sources", swiftSettings: settings),
  .executableTarget(
    name: "WordCount", dependencies: ["Troupe"], path: "Samples/WordCount/Sources", swiftSettings: settings),
  .target(name: "SampleOptions", path: "Samples/Options/Sources", swiftSettings: settings),
  .executableTarget(
    name: "Bank", dependencies: ["Troupe", "SampleOptions"], path: "Samples/Bank/Sources", swiftSettings: settings),
  .executableTarget(
    name: "DiningPhilosophers", dependencies: ["Troupe", "SampleOptions"],
    path: "Samples/DiningPhilosophers/Sources", swiftSettings: settings),
  .executableTarget(
    name: "Elevator", dependencies: ["Troupe", "SampleOptions"], path: "Samples/Elevator/Sources",
    swiftSettings: settings),
  .executableTarget(
    name: "KeyValue", dependencies: ["Troupe", "TroupeNet", "SampleOptions"], path: "Samples/KeyValue/Sources",
    swiftSettings: settings),
  .executableTarget(
    name: "Chat", dependencies: ["Troupe", "TroupeNet", "TroupeHTTP", "SampleOptions"], path: "Samples/Chat/Sources",
    resources: [.embedInCode("index.html")], swiftSettings: settings),
  .executableTarget(
    name: "Relay", dependencies: ["Troupe", "TroupeNet", "SampleOptions"], path: "Samples/Relay/Sources",
    swiftSettings: settings),
  .executableTarget(
    name: "Monitor", dependencies: ["Troupe"], path: "Samples/FirstService/Sources", swiftSettings: settings),
]

let tests: [Target] = [
  // What several of the test targets use.
  .target(
    name: "TestSupport", dependencies: ["TroupeChannels", "CTroupeShims"], path: "Tests/Support",
    swiftSettings: settings),
  .testTarget(
    name: "TroupeChannelsTests", dependencies: ["TestSupport", "TroupeChannels", "CTroupeShims"],
    swiftSettings: settings),
  .testTarget(name: "TroupeTests", dependencies: ["TestSupport", "Troupe", "CTroupeShims"], swiftSettings: settings),
  .testTarget(
    name: "TroupeNetTests", dependencies: ["TestSupport", "TroupeNet", "TroupeTestKit", "Troupe", "CTroupeShims"],
    swiftSettings: settings),
  .testTarget(
    name: "TroupeHTTPTests", dependencies: ["TestSupport", "TroupeHTTP", "TroupeNet", "TroupeTestKit"],
    swiftSettings: settings),
  .testTarget(name: "TroupeTestKitTests", dependencies: ["TestSupport", "TroupeTestKit"], swiftSettings: settings),
  .testTarget(
    name: "SampleTests",
    dependencies: [
      "Bank", "Chat", "DiningPhilosophers", "Elevator", "KeyValue", "Monitor", "Mpsc", "Relay", "SampleOptions",
      "TroupeNet", "TroupeTestKit", "WordCount",
    ],
    swiftSettings: settings),
  .testTarget(
    name: "SnippetTests", dependencies: ["TroupeChannels", "Troupe"], path: "Tests/Snippets", exclude: ["Cases"]),
]

let models: [Target] = [
  .target(name: "CModel", path: "Tests/Model/CModel"),
  .target(name: "TroupeModel", dependencies: ["CModel"], path: "Tests/Model/TroupeModel", swiftSettings: settings),
  .testTarget(
    name: "ModelTests", dependencies: ["TroupeModel", "TroupeChannels", "Troupe", "CTroupeShims"],
    swiftSettings: settings),
]

let package = Package(
  name: "troupe",
  // The oldest ones that have the module Synchronization.
  platforms: [.macOS(.v15), .iOS(.v18), .tvOS(.v18), .watchOS(.v11), .visionOS(.v2)],
  products: [
    .library(name: "TroupeChannels", targets: ["TroupeChannels"]),
    .library(name: "Troupe", targets: ["Troupe"]),
  ]
    + (isModel
      ? []
      : [
        .library(name: "TroupeNet", targets: ["TroupeNet"]),
        .library(name: "TroupeHTTP", targets: ["TroupeHTTP"]),
        .library(name: "TroupeTestKit", targets: ["TroupeTestKit"]),
      ]),
  traits: [.trait(name: "TLS", description: "TLS for the connections of TroupeNet, by the system's OpenSSL 3.")],
  targets: sources + (isModel ? models : programs + tests)
)
