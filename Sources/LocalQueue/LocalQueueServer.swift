import Foundation
import GRDB
import GRDBSQLite
import HTTPServing
public import Logging
import NIOCore
public import ServiceLifecycle

/// An SQS-compatible server for development and tests, with durable storage in SQLite.
///
/// It supports AWS JSON 1.0 and the older Query protocol, accepts any credentials, and listens on the loopback
/// interface by default. Acknowledged writes survive a crash of the process and, unless ``Configuration/syncsToDisk``
/// is false, of the machine.
///
///     let server = LocalQueueServer(configuration: .init(directory: ".worker"), logger: logger)
///     try await server.run()
public struct LocalQueueServer: Service {
  /// The settings of a server.
  public struct Configuration: Sendable {
    /// A host name or an IP address of this machine. Anyone who can reach it can use the queues.
    public var host = "127.0.0.1"
    /// The port; 0 selects any free port, which ``LocalQueueServer/init(configuration:logger:onReady:)`` reports.
    public var port = 4566
    /// The directory of `queues.sqlite`.
    public var directory: String
    /// The account in queue URLs and ARNs: twelve digits.
    public var account = "000000000000"
    /// Whether an acknowledgement waits until the write is on disk. If false, a power failure can lose the last
    /// seconds.
    public var syncsToDisk = true
    /// Queues to create at the start if they do not exist.
    public var queues: [InitialQueue] = []

    /// Creates a configuration with the default settings.
    public init(directory: String) {
      self.directory = directory
    }
  }

  /// A queue and its dead-letter queue, ``deadLetterName``.
  public struct InitialQueue: Sendable {
    /// The name of the queue. The name of a FIFO queue ends in `.fifo`.
    public var name: String
    /// The region of the queue.
    public var region: String
    /// The visibility timeout in seconds.
    public var visibilityTimeout: Int
    /// How often a message is received before it is moved to the dead-letter queue.
    public var maxReceiveCount: Int

    /// Creates a queue's settings.
    public init(_ name: String, region: String = "us-east-1", visibilityTimeout: Int = 30, maxReceiveCount: Int = 3) {
      self.name = name
      self.region = region
      self.visibilityTimeout = visibilityTimeout
      self.maxReceiveCount = maxReceiveCount
    }

    /// The name of the dead-letter queue: `NAME-dlq`, or `NAME-dlq.fifo`.
    public var deadLetterName: String { isFIFO ? "\(name.dropLast(5))-dlq.fifo" : "\(name)-dlq" }

    var isFIFO: Bool { name.hasSuffix(".fifo") }
  }

  /// The state of the server when clients can connect.
  public struct Ready: Sendable {
    /// The URL of the server: `http://HOST:PORT`.
    public var endpoint: String
    /// The names of those ``Configuration/queues`` that were created.
    public var newQueues: [String]
  }

  /// The version of the system's SQLite library, such as 3.45.1.
  public static var sqliteVersion: String { String(cString: sqlite3_libversion()) }

  private let configuration: Configuration
  private let logger: Logger
  private let onReady: @Sendable (Ready) async -> Void

  /// Creates a server.
  ///
  /// - Parameter onReady: Called once clients can connect.
  public init(
    configuration: Configuration, logger: Logger, onReady: @escaping @Sendable (Ready) async -> Void = { _ in }
  ) {
    self.configuration = configuration
    self.logger = logger
    self.onReady = onReady
  }

  /// Serves until a graceful shutdown. The shutdown ends waiting receives at once, and other requests have five seconds
  /// to finish.
  ///
  /// - Throws: A ``LocalQueueError`` if the server cannot start.
  public func run() async throws {
    guard configuration.account.utf8.count == 12, configuration.account.utf8.allSatisfy(isDigit) else {
      throw LocalQueueError(
        "`\(configuration.account)` is no account id: --account has twelve digits, such as 000000000000")
    }
    // If the start cannot succeed, nothing is created on disk.
    try await explainingAddress { try await HTTPServer.check(host: configuration.host, port: configuration.port) }
    // Opening the database may block, so it must not run on the caller's thread.
    let database = try await withTaskExecutorPreference(globalConcurrentExecutor) { [configuration] in
      try QueueDatabase(in: configuration.directory, syncsToDisk: configuration.syncsToDisk)
    }
    let loop = CommitLoop(database: database, account: configuration.account, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      // If one task ends, the other one ends as well.
      defer { loop.close() }
      group.addTask {
        do {
          try await loop.run()
        } catch {
          throw LocalQueueError(cannotUse: "\(configuration.directory)/\(QueueDatabase.fileName)", error)
        }
      }
      group.addTask {
        defer { loop.close() }
        try await withTaskCancellationHandler {
          try await withGracefulShutdownHandler {
            try await serve(loop, try await makeQueues(loop))
          } onGracefulShutdown: {
            loop.endWaits()
          }
        } onCancel: {
          loop.endWaits()
        }
      }
      do {
        while try await group.next() != nil {}
      } catch let error as ServiceError {
        // The loop has failed, and reports the reason itself.
        loop.close()
        while try await group.next() != nil {}
        throw LocalQueueError("cannot prepare the queues: \(error.message)")
      }
    }
    try database.close()
  }

  private func explainingAddress(_ body: () async throws -> Void) async throws {
    do {
      try await body()
    } catch let error as IOError {
      throw LocalQueueError(cannotListenOn: configuration.host, port: configuration.port, error)
    } catch let error as SocketAddressError.UnknownHost {
      throw LocalQueueError(
        "nothing is known of the host \(error.host); name an address of this machine with --host")
    }
  }

  /// Creates the initial queues.
  ///
  /// - Returns: The names of the created queues.
  private func makeQueues(_ loop: CommitLoop) async throws -> [String] {
    let caller = { Caller(region: $0, endpoint: "", isConnected: { true }) }
    // No client is accepted until the database has been read.
    _ = try await loop.perform(ListQueues(), for: caller("us-east-1"))
    var made: [String] = []
    for queue in configuration.queues {
      do {
        if try await make(queue, loop, for: caller(queue.region)) { made.append(queue.name) }
      } catch let error as ServiceError where error.isSenderFault {
        throw LocalQueueError("cannot make the queue \(queue.name): \(error.message)")
      }
    }
    return made
  }

  /// Creates a queue.
  ///
  /// - Returns: Whether the queue was created; false if it exists.
  private func make(_ queue: InitialQueue, _ loop: CommitLoop, for caller: Caller) async throws -> Bool {
    do {
      _ = try await loop.perform(GetQueueUrl(QueueName: queue.name), for: caller)
      return false
    } catch let error as ServiceError where error.name == ServiceError.queueDoesNotExist().name {
      let fifo = queue.isFIFO ? ["FifoQueue": "true"] : [:]
      _ = try await loop.perform(CreateQueue(QueueName: queue.deadLetterName, Attributes: fifo), for: caller)
      // A dead letter keeps its sent time, and must not expire before someone has read it.
      _ = try await loop.perform(
        SetQueueAttributes(QueueUrl: queue.deadLetterName, Attributes: ["MessageRetentionPeriod": "1209600"]),
        for: caller)
      let target = queueArn(queue.deadLetterName, region: queue.region, account: configuration.account)
      let attributes = [
        "VisibilityTimeout": "\(queue.visibilityTimeout)",
        "RedrivePolicy": #"{"deadLetterTargetArn":"\#(target)","maxReceiveCount":\#(queue.maxReceiveCount)}"#,
      ]
      let creation = CreateQueue(QueueName: queue.name, Attributes: attributes.merging(fifo) { $1 })
      _ = try await loop.perform(creation, for: caller)
      return true
    }
  }

  private func serve(_ loop: CommitLoop, _ newQueues: [String]) async throws {
    let endpoint = Endpoint(
      loop: loop, address: address(port: configuration.port),
      isLoopback: ["localhost", "::1"].contains(configuration.host) || configuration.host.hasPrefix("127."))
    let server = HTTPServer(
      host: configuration.host, port: configuration.port,
      // Each long poll has its own connection.
      limits: .init(connections: 1_000, bodySize: Endpoint.bodyLimit),
      logger: logger,
      channelHandlers: { [HangUpHandler()] },
      onListening: { port in await onReady(Ready(endpoint: address(port: port), newQueues: newQueues)) },
      respond: endpoint.respond)
    try await explainingAddress { try await server.run() }
  }

  private func address(port: Int) -> String {
    configuration.host.contains(":") ? "http://[\(configuration.host)]:\(port)" : "http://\(configuration.host):\(port)"
  }
}

/// Closes a connection whose client has disconnected, so that its waiting receive returns no messages.
private final class HangUpHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny
  typealias InboundOut = NIOAny

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event as? ChannelEvent == .inputClosed { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }
}
