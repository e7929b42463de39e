import Foundation
import GRDB
import Hummingbird
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// An SQS-compatible server, durable on SQLite, for development and tests.
///
/// It speaks AWS JSON 1.0 and the older Query protocol, takes any credentials, and listens on loopback unless told
/// otherwise. What it has acknowledged survives the death of its process and, unless ``Configuration/syncsToDisk`` is
/// false, of the machine.
///
///     let server = LocalQueueServer(configuration: .init(directory: ".worker"), logger: logger)
///     try await server.run()
public struct LocalQueueServer: Service {
  public struct Configuration: Sendable {
    /// An address of this machine: a name or a number. Anyone who can reach it can use the queues.
    public var host = "127.0.0.1"
    /// 0 takes any port that is free; ``LocalQueueServer/init(configuration:logger:onReady:)`` tells which.
    public var port = 4566
    /// Where `queues.sqlite` is, or will be.
    public var directory: String
    /// Twelve digits, for queue URLs and ARNs.
    public var account = "000000000000"
    /// Whether an acknowledgement waits for the disk. Without that, a power cut can cost the last seconds.
    public var syncsToDisk = true
    /// Made at the start, where they are not there yet.
    public var queues: [InitialQueue] = []

    public init(directory: String) {
      self.directory = directory
    }
  }

  /// A queue, and for what fails there the dead-letter queue ``deadLetterName``.
  public struct InitialQueue: Sendable {
    public var name: String
    public var region: String
    /// In seconds.
    public var visibilityTimeout: Int
    public var maxReceiveCount: Int

    public init(_ name: String, region: String = "us-east-1", visibilityTimeout: Int = 30, maxReceiveCount: Int = 3) {
      self.name = name
      self.region = region
      self.visibilityTimeout = visibilityTimeout
      self.maxReceiveCount = maxReceiveCount
    }

    /// `NAME-dlq`, or `NAME-dlq.fifo`.
    public var deadLetterName: String { isFIFO ? "\(name.dropLast(5))-dlq.fifo" : "\(name)-dlq" }

    var isFIFO: Bool { name.hasSuffix(".fifo") }
  }

  /// What clients can be told once they can connect.
  public struct Ready: Sendable {
    /// `http://HOST:PORT`
    public var endpoint: String
    /// Those of ``Configuration/queues`` that were not there before.
    public var newQueues: [String]
  }

  private let configuration: Configuration
  private let logger: Logger
  private let onReady: @Sendable (Ready) async -> Void

  /// - Parameter onReady: Called once clients can connect.
  public init(
    configuration: Configuration, logger: Logger, onReady: @escaping @Sendable (Ready) async -> Void = { _ in }
  ) {
    self.configuration = configuration
    self.logger = logger
    self.onReady = onReady
  }

  /// Serves until a graceful shutdown, which ends waiting receives at once and lets other requests finish.
  ///
  /// - Throws: a ``LocalQueueError`` that says what keeps it from starting.
  public func run() async throws {
    guard configuration.account.utf8.count == 12, configuration.account.utf8.allSatisfy(isDigit) else {
      throw LocalQueueError(
        "`\(configuration.account)` is no account id: --account has twelve digits, such as 000000000000")
    }
    let database = try QueueDatabase.open(in: configuration.directory, syncsToDisk: configuration.syncsToDisk)
    let loop = CommitLoop(database: database, account: configuration.account, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      // Whatever ends the one ends the other.
      defer { loop.close() }
      group.addTask {
        do {
          try await loop.run()
        } catch {
          throw LocalQueueError(cannotRead: "\(configuration.directory)/\(QueueDatabase.fileName)", error)
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
        // The loop has failed, and says why itself.
        loop.close()
        while try await group.next() != nil {}
        throw LocalQueueError("cannot prepare the queues: \(error.message)")
      }
    }
    try database.close()
  }

  /// - Returns: the names of those that were not there before.
  private func makeQueues(_ loop: CommitLoop) async throws -> [String] {
    let caller = { Caller(region: $0, endpoint: "", accessKey: "local", isConnected: { true }) }
    // Until the database has been read, nobody is let in.
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

  /// - Returns: false where it is there already.
  private func make(_ queue: InitialQueue, _ loop: CommitLoop, for caller: Caller) async throws -> Bool {
    do {
      _ = try await loop.perform(GetQueueUrl(QueueName: queue.name), for: caller)
      return false
    } catch let error as ServiceError where error.name == ServiceError.queueDoesNotExist().name {
      let fifo = queue.isFIFO ? ["FifoQueue": "true"] : [:]
      _ = try await loop.perform(CreateQueue(QueueName: queue.deadLetterName, Attributes: fifo), for: caller)
      // What lands there kept the time at which it was sent, and must not expire before someone has looked.
      _ = try await loop.perform(
        SetQueueAttributes(QueueUrl: queue.deadLetterName, Attributes: ["MessageRetentionPeriod": "1209600"]),
        for: caller)
      let target = "arn:aws:sqs:\(queue.region):\(configuration.account):\(queue.deadLetterName)"
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
    // One thread keeps up with the disk's; more would take turns with each other.
    let eventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    do {
      try await serve(loop, newQueues, on: eventLoop)
    } catch {
      try await eventLoop.shutdownGracefully()
      throw error
    }
    try await eventLoop.shutdownGracefully()
  }

  private func serve(_ loop: CommitLoop, _ newQueues: [String], on eventLoop: MultiThreadedEventLoopGroup) async throws
  {
    let endpoint = Endpoint(
      loop: loop, address: address(port: configuration.port),
      isLoopback: ["localhost", "::1"].contains(configuration.host) || configuration.host.hasPrefix("127."))
    let application = Application(
      responder: endpoint,
      server: .http1(configuration: .init(additionalChannelHandlers: [HangUpHandler()])),
      configuration: .init(
        address: .hostname(configuration.host, port: configuration.port),
        // Each long poll has one of its own. Systems commonly let a process have 1,024 files.
        availableConnectionsDelegate: .maximum(1_000, logger: logger)),
      onServerRunning: { channel in
        let endpoint = address(port: channel.localAddress?.port ?? configuration.port)
        await onReady(Ready(endpoint: endpoint, newQueues: newQueues))
      },
      eventLoopGroupProvider: .shared(eventLoop),
      logger: logger)
    do {
      try await application.run()
    } catch let error as IOError {
      throw LocalQueueError(cannotListenOn: configuration.host, port: configuration.port, error)
    } catch let error as SocketAddressError.UnknownHost {
      throw LocalQueueError(
        "nothing is known of the host \(error.host); name an address of this machine with --host")
    }
  }

  private func address(port: Int) -> String {
    configuration.host.contains(":") ? "http://[\(configuration.host)]:\(port)" : "http://\(configuration.host):\(port)"
  }
}

/// Closes a connection whose client has hung up, so that a receive that waits for it is handed nothing.
private final class HangUpHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny
  typealias InboundOut = NIOAny

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event as? ChannelEvent == .inputClosed { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }
}
