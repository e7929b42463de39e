import ArgumentParser
import Foundation
import LocalQueue
import Logging
import ServiceLifecycle
import WorkerKit
import WorkerTelemetry

struct LocalQueueCommand: AsyncParsableCommand, ServiceCommand {
  // The threads of the worker, the server and the commit loop, and those that write to standard output and standard
  // error.
  static let needs = ProcessLimits.Needs(threads: 5, descriptors: 32)

  static let configuration = CommandConfiguration(
    commandName: "local-queue",
    abstract: "Run an SQS-compatible server, durable on SQLite.",
    discussion: """
      Any AWS SDK works with it: set AWS_ENDPOINT_URL_SQS=http://127.0.0.1:4566 \
      (older ones take the endpoint in code), a region, and any credentials. It speaks AWS JSON 1.0 and the older Query \
      protocol. It listens on loopback unless --host names another address.

      What was acknowledged survives a crash and a power cut. Ctrl-C or SIGTERM \
      ends it; started again on the same --data, it goes on.

      GET /_aws/sqs/messages?QueueUrl=URL shows a queue's visible messages without \
      receiving them; add &ShowInvisible=true&ShowDelayed=true for all.
      """)

  @OptionGroup var options: LocalQueueOptions

  @Option(
    help: ArgumentHelp(
      "The address to listen on. Anyone who can reach it can use the queues, without a password.", valueName: "address")
  )
  var host = "127.0.0.1"

  @Option(help: ArgumentHelp("The account id in queue URLs and ARNs: twelve digits.", valueName: "id"))
  var account = "000000000000"

  @Flag(help: "Do not wait for the disk. Faster, but a power cut can lose the last seconds.")
  var noSync = false

  func run() async throws {
    try options.checkFolder()
    var levels = LogLevels()
    levels.general = .notice
    LogSetup(levels: levels).bootstrap()
    let logger = Logger(label: "local-queue")
    let startup = Startup()
    var configuration = options.configuration
    configuration.host = host
    configuration.account = account
    configuration.syncsToDisk = !noSync
    let server = LocalQueueServer(configuration: configuration, logger: logger) { [options] ready in
      startup.end()
      printLine(
        """
        The local queue listens on \(ready.endpoint)
        Its data is in \(options.data). Ctrl-C ends it.
        """)
    }
    do {
      _ = try await serve([.init(service: StartingService(base: server, startup: startup))], logger: logger)
    } catch let error as LocalQueueError {
      throw CommandError(error.description)
    }
  }
}

/// The options of all commands that start a local queue.
struct LocalQueueOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The port to listen on; 0 chooses a free one.", valueName: "port"))
  var port = 4566

  @Option(help: ArgumentHelp("The directory that keeps the queues and their messages.", valueName: "directory"))
  var data = Self.defaultDirectory

  static let defaultDirectory = ".worker"

  func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("there is no port \(port): ports are 0 to 65535") }
  }

  /// Checks that only this user can access the data.
  func checkFolder() throws {
    do {
      try FileTrust.check(folder: data)
      // In a folder such as /tmp, other users can have created the files.
      for name in (try? FileManager.default.contentsOfDirectory(atPath: data)) ?? [] where Self.fileNames.contains(name)
      {
        try FileTrust.check(file: "\(data)/\(name)")
      }
    } catch let error as FileTrustError {
      throw CommandError("\(error) (--data)")
    }
  }

  /// The files that this program or a shell reads in the folder.
  private static let fileNames: Set = [
    "queues.sqlite", "queues.sqlite-wal", "env", RoutesOptions.defaultPath, "demo-events-sent",
  ]

  var configuration: LocalQueueServer.Configuration {
    var configuration = LocalQueueServer.Configuration(directory: data)
    configuration.port = port
    return configuration
  }
}
