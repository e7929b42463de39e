import ArgumentParser
import Foundation
import LocalQueue
import Logging
import ServiceLifecycle

struct LocalQueueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "local-queue",
    abstract: "Serve SQS-compatible queues on this machine, durable on SQLite.",
    discussion: """
      Any AWS SDK works with it: set AWS_ENDPOINT_URL_SQS=http://127.0.0.1:4566 \
      (older ones take the endpoint in code), a region, and any credentials. It speaks AWS JSON 1.0 and the older Query \
      protocol. Nothing but loopback is bound unless --host says so.

      What was acknowledged survives a crash and a power cut. Ctrl-C or SIGTERM \
      ends it; started again on the same --data, it goes on.

      GET /_aws/sqs/messages?QueueUrl=URL shows a queue's messages without \
      receiving them.
      """)

  @OptionGroup var options: LocalQueueOptions

  @Option(
    help: ArgumentHelp(
      "The address to listen on. Whoever can reach it can use the queues, without a password.", valueName: "address"))
  var host = "127.0.0.1"

  @Option(help: ArgumentHelp("The account id in queue URLs and ARNs: twelve digits.", valueName: "id"))
  var account = "000000000000"

  @Flag(help: "Do not wait for the disk: faster, and a power cut can cost the last seconds.")
  var noSync = false

  func run() async throws {
    LoggingSystem.bootstrap { label in StreamLogHandler.standardError(label: label) }
    var logger = Logger(label: "local-queue")
    logger.logLevel = .notice
    var configuration = options.configuration
    configuration.host = host
    configuration.account = account
    configuration.syncsToDisk = !noSync
    let server = LocalQueueServer(configuration: configuration, logger: logger) { [options] ready in
      print(
        """
        The local queue listens on \(ready.endpoint)
        Its data is in \(options.data). Ctrl-C ends it.
        """)
      fflush(nil)
    }
    do {
      _ = try await serve([.init(service: server)], logger: logger)
    } catch let error as LocalQueueError {
      throw CommandError(error.description)
    }
  }
}

/// What every command that starts a local queue takes.
struct LocalQueueOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The port to listen on; 0 takes any that is free.", valueName: "port"))
  var port = 4566

  @Option(help: ArgumentHelp("The directory that keeps the queues and their messages.", valueName: "directory"))
  var data = ".worker"

  func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("there is no port \(port): ports are 0 to 65535") }
  }

  var configuration: LocalQueueServer.Configuration {
    var configuration = LocalQueueServer.Configuration(directory: data)
    configuration.port = port
    return configuration
  }
}
