// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors in our own checks only: a dependent must be able to build with a newer compiler.
let strict = Context.environment["TROUPE_CI"] != nil

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

let package = Package(
  name: "troupe",
  products: [
    .library(name: "TroupeChannels", targets: ["TroupeChannels"]),
    .library(name: "Troupe", targets: ["Troupe"]),
  ],
  targets: [
    .target(name: "CTroupeShims"),
    .target(name: "TroupeChannels", dependencies: ["CTroupeShims"], swiftSettings: settings),
    .target(name: "Troupe", dependencies: ["TroupeChannels", "CTroupeShims"], swiftSettings: settings),

    .executableTarget(
      name: "troupe-bench", dependencies: ["Troupe"], path: "Samples/Benchmarks/Sources", swiftSettings: settings),
    .executableTarget(
      name: "Mpsc", dependencies: ["TroupeChannels"], path: "Samples/Mpsc/Sources", swiftSettings: settings),
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

    .testTarget(
      name: "TroupeChannelsTests", dependencies: ["TroupeChannels", "CTroupeShims"], swiftSettings: settings),
    .testTarget(name: "TroupeTests", dependencies: ["Troupe", "CTroupeShims"], swiftSettings: settings),
    .testTarget(
      name: "SampleTests", dependencies: ["Bank", "DiningPhilosophers", "Elevator", "Mpsc", "WordCount"],
      swiftSettings: settings),
    .testTarget(
      name: "SnippetTests", dependencies: ["TroupeChannels", "Troupe"], path: "Tests/Snippets", exclude: ["Cases"]),
  ]
)
