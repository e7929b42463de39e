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
    isWaiting = false
    write(buffer)
    readRequests()
  }

  private func write(_ buffer: ByteBuffer) {
    guard let context else { return }
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
  }

  private func readRequests() {
    while !isWaiting, received.readableBytes > 0 {
      var length: Int?
      var answer: ByteBuffer?
      received.withUnsafeReadableBytes { bytes in
        guard let head = RequestHead(bytes), bytes.count >= head.length + head.bodyLength else { return }
        length = head.length + head.bodyLength
        answer = queue.answer(head, bytes.part(head.length..<head.length + head.bodyLength), on: self)
      }
      guard let length else { return }
      received.moveReaderIndex(forwardBy: length)
      if let answer {
        write(answer)
      } else {
        isWaiting = true
      }
    }
  }
}
