// swift-tools-version:6.2
import PackageDescription

let package = Package(
  name: "RaffleWorker",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "swift-queue-worker", path: "../..")
  ],
  targets: [
    .target(
      name: "RafflePlugin",
      dependencies: [.product(name: "WorkerKit", package: "swift-queue-worker")]),
    .executableTarget(
      name: "raffle-worker",
      dependencies: ["RafflePlugin", .product(name: "WorkerCommands", package: "swift-queue-worker")]),
    .testTarget(
      name: "RafflePluginTests",
      dependencies: ["RafflePlugin", .product(name: "WorkerTesting", package: "swift-queue-worker")]),
  ],
  swiftLanguageModes: [.v6]
)
