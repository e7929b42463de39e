import NIOCore
import NIOHTTP1

/// Tracks what a connection waits for, and closes it by the rules of HTTP. It follows the decoder directly.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  /// The properties of a request that its response depends on.
  private struct UnansweredRequest {
    var isHead: Bool
    var isHTTP10: Bool
    var isKeepAlive: Bool
  }

  private let connections: OpenConnections
  private var context: ChannelHandlerContext?
  /// The unanswered requests in order of arrival, which is also the order of their responses.
  private var requests = CircularBuffer<UnansweredRequest>(initialCapacity: 1)
  private var isReadingBody = false
  /// The received bytes of the current body.
  private var bodyBytes = 0
  /// When the connection started to wait for a head or a body.
  private var waitingSince = NIODeadline.uptimeNanoseconds(0)
  /// When the write buffer last became full, if the client has not read everything since; and the number of bytes sent
  /// since then.
  private var unreadSince: NIODeadline?
  private var unreadBytes = 0
  /// The status for a client that sent invalid HTTP; nil if it has not.
  private var refusal: HTTPResponseStatus?
  private var isStopping = false
  /// Whether the current response is the connection's last one.
  private var isLastAnswer = false
  /// Whether the last response was written.
  private var isFinished = false
  /// Whether further input of the client is discarded.
  private var isDeaf = false
  private var closingDeadline: NIODeadline?

  init(_ connections: OpenConnections) {
    self.connections = connections
  }

  /// How long the connection has waited for its client, and the limit; nil while it waits for the server.
  var wait: (since: NIODeadline, limit: TimeAmount)? {
    if let unreadSince, context?.channel.isWritable == false {
      return (unreadSince, connections.limits.transfer(of: unreadBytes))
    }
    guard requests.count <= (isReadingBody ? 1 : 0) else { return nil }
    return (waitingSince, isReadingBody ? connections.limits.transfer(of: bodyBytes) : connections.limits.head)
  }

  /// The bytes held in memory: incomplete bodies and unread responses.
  var heldBytes: Int { bodyBytes + bufferedBytes }

  /// Whether the connection has exceeded a limit. It is called periodically, and also detects that the client has read
  /// everything.
  func isOverdue(at now: NIODeadline) -> Bool {
    if context?.channel.isWritable == true, bufferedBytes == 0 { unreadSince = nil }
    if let closingDeadline, closingDeadline <= now { return true }
    return wait.map { $0.since + $0.limit <= now } ?? false
  }

  func close() {
    isDeaf = true
    context?.close(promise: nil)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    waitingSince = context.eventLoop.now
    connections.add(self, on: context.eventLoop)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    connections.remove(self)
    self.context = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isDeaf else { return }
    switch unwrapInboundIn(data) {
    case .head(var head):
      guard requests.last?.isKeepAlive ?? true else { return isDeaf = true }
      let isHTTP10 = head.version == .http1_0
      guard isHTTP10 || head.headers["host"].count == 1 else {
        return errorCaught(context: context, error: HTTPParserError.invalidHeaderToken)
      }
      if isHTTP10 { head.headers.remove(name: "expect") }
      // After this request, the decoder expects another protocol, which the server does not support.
      let isUpgrade = head.headers.contains(name: "upgrade") || head.method == .CONNECT
      requests.append(
        UnansweredRequest(
          isHead: head.method == .HEAD, isHTTP10: isHTTP10, isKeepAlive: head.isKeepAlive && !isUpgrade))
      isReadingBody = true
      if requests.count == 1 { waitingSince = context.eventLoop.now }
      context.fireChannelRead(wrapInboundOut(.head(head)))
    case .body(let bytes):
      bodyBytes += bytes.readableBytes
      context.fireChannelRead(data)
    case .end:
      isReadingBody = false
      bodyBytes = 0
      if requests.isEmpty { waitForClient(context) }
      context.fireChannelRead(data)
    }
  }

  /// Discarded input still has to be read.
  func channelReadComplete(context: ChannelHandlerContext) {
    if isFinished { context.read() }
    context.fireChannelReadComplete()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? HTTPParserError else { return context.fireErrorCaught(error) }
    guard !isDeaf else { return }
    isDeaf = true
    switch error {
    case .headerOverflow: refusal = .requestHeaderFieldsTooLarge
    case .invalidVersion: refusal = .httpVersionNotSupported
    default: refusal = .badRequest
    }
    // Hummingbird responds with status 400, after the preceding requests.
    context.fireErrorCaught(error)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(let head) where head.status.code < 200:
      context.write(data, promise: promise)
    case .head(var head):
      let request = requests.first
      let isUnread = isReadingBody && requests.count == 1
      // If the client still sends a body, the start of its next request would be ambiguous.
      isLastAnswer = isUnread || !(request?.isKeepAlive ?? false) || (isStopping && requests.count == 1)
      if let refusal, request == nil || isUnread { head.status = refusal }
      head.headers.replaceOrAdd(name: "date", value: connections.date())
      if isLastAnswer {
        head.headers.replaceOrAdd(name: "connection", value: "close")
      } else if request?.isHTTP10 ?? false {
        head.headers.replaceOrAdd(name: "connection", value: "keep-alive")
      }
      context.write(wrapOutboundOut(.head(head)), promise: promise)
    case .body where requests.first?.isHead ?? false:
      promise?.succeed()
    case .body(let bytes):
      unreadBytes += bytes.readableBytes
      context.write(data, promise: promise)
    case .end:
      context.write(data, promise: promise)
      _ = requests.popFirst()
      if isLastAnswer {
        context.flush()
        finish(context)
      } else if requests.count <= (isReadingBody ? 1 : 0) {
        waitForClient(context)
      }
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if !context.channel.isWritable {
      if unreadSince == nil {
        unreadSince = context.eventLoop.now
        unreadBytes = bufferedBytes
      }
      connections.mayBeReplaced(context.channel)
    }
    context.fireChannelWritabilityChanged()
  }

  /// Hummingbird's own shutdown would cut a response that is still being read.
  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard event is ChannelShouldQuiesceEvent else { return context.fireUserInboundEventTriggered(event) }
    isStopping = true
    limitClosing(context)
    if requests.isEmpty && !isReadingBody && !isFinished { finish(context) }
  }

  /// The bytes that were written but not yet accepted by the operating system.
  private var bufferedBytes: Int {
    (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }

  private func waitForClient(_ context: ChannelHandlerContext) {
    waitingSince = context.eventLoop.now
    connections.mayBeReplaced(context.channel)
  }

  /// Closes the connection after all written bytes were sent.
  private func finish(_ context: ChannelHandlerContext) {
    isFinished = true
    isDeaf = true
    waitingSince = context.eventLoop.now
    let isClientSending = isReadingBody || refusal != nil
    let sent = context.eventLoop.makePromise(of: Void.self)
    context.close(mode: .output, promise: sent)
    sent.futureResult.assumeIsolated().whenComplete { [self] result in
      guard case .success = result, isClientSending else { return close() }
      // If the socket were closed at once, further input would cause a reset, and the client could lose the response.
      limitClosing(context)
      context.read()
    }
  }

  private func limitClosing(_ context: ChannelHandlerContext) {
    let deadline = context.eventLoop.now + connections.limits.closing
    closingDeadline = min(closingDeadline ?? deadline, deadline)
  }
}
