import NIOCore

/// A consumer's connection, or that of whoever measures: reads one request after the other, each when the last is answered.
final class Connection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  var eventLoop: (any EventLoop)? { context?.eventLoop }
  private let queue: StubQueue
  private var context: ChannelHandlerContext?
  private var received = ByteBuffer()
  /// Whether a request waits for its answer.
  private var isWaiting = false
  private var requestedAt = NIODeadline.distantPast

  init(queue: StubQueue) {
    self.queue = queue
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func channelActive(context: ChannelHandlerContext) {
    queue.noteConnection()
  }

  func channelInactive(context: ChannelHandlerContext) {
    queue.forget(self)
    self.context = nil
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var part = unwrapInboundIn(data)
    if received.readableBytes == 0 {
      received = part
    } else {
      received.writeBuffer(&part)
    }
    readRequests()
  }

  /// Answers a receive that waited.
  func answer(_ buffer: ByteBuffer) {
    send(buffer)
    readRequests()
  }

  /// Sends an answer when a network's round trip would have brought it: request and answer travel for half of it each, and
  /// the request of a receive that waited has long been here.
  private func send(_ buffer: ByteBuffer) {
    let roundTrip = queue.roundTrip
    guard roundTrip > .zero, let eventLoop else { return finish(buffer) }
    let due = max(requestedAt + roundTrip, .now() + .nanoseconds(roundTrip.nanoseconds / 2))
    eventLoop.assumeIsolated().scheduleTask(deadline: due) { [weak self] in
      self?.finish(buffer)
      self?.readRequests()
    }
  }

  private func finish(_ buffer: ByteBuffer) {
    isWaiting = false
    write(buffer)
  }

  private func write(_ buffer: ByteBuffer) {
    guard let context else { return }
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
  }

  private func readRequests() {
    while !isWaiting, received.readableBytes > 0 {
      let length = received.withUnsafeReadableBytes { bytes -> Int? in
        guard let head = RequestHead(bytes), bytes.count >= head.length + head.bodyLength else { return nil }
        read(head, bytes.part(head.length..<head.length + head.bodyLength))
        return head.length + head.bodyLength
      }
      guard let length else { return }
      received.moveReaderIndex(forwardBy: length)
    }
  }

  private func read(_ head: RequestHead, _ body: Bytes) {
    // Whoever measures is on this machine, whatever the network is like.
    if let control = Control(head) { return write(control.perform(body, queue: queue)) }
    isWaiting = true
    requestedAt = .now()
    if let answer = queue.answer(Call(head, body), on: self) { send(answer) }
  }
}
