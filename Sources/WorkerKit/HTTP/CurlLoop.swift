import CCurl
import Foundation

/// The thread that all transfers of a client run on: libcurl's multi handle over epoll or kqueue.
///
/// Unchecked: everything but the inbox and the event source's waker is touched by the loop's own thread alone.
final class CurlLoop: @unchecked Sendable {
  enum Command {
    case start(CurlTransfer)
    case cancel(CurlTransfer)
    case stop
  }

  private struct Inbox {
    var commands: [Command] = []
    var isClosed = false
  }

  let maximumResponseSize: Int
  private let certificates: String?
  private let inbox = Locked(Inbox())
  private let events: OpaquePointer
  private let multi: UnsafeMutableRawPointer
  /// When libcurl wants to be called without any socket being ready; nil for never.
  private var deadline: ContinuousClock.Instant?
  private var idleHandles: [OpaquePointer] = []
  private var active: [ObjectIdentifier: CurlTransfer] = [:]

  private static let initialized: Void = {
    // A peer that resets a connection must not end the process; libcurl leaves this to whoever sets NOSIGNAL.
    signal(SIGPIPE, SIG_IGN)
    _ = curl_global_init(Int(CURL_GLOBAL_DEFAULT))
  }()

  init(certificates: String?, maximumResponseSize: Int) {
    Self.initialized
    self.certificates = certificates
    self.maximumResponseSize = maximumResponseSize
    guard let multi = curl_multi_init(), let events = ccurl_events_create() else {
      fatalError("no memory or file descriptors left for an HTTP client; raise the limit (ulimit -n)")
    }
    self.multi = multi
    self.events = events
  }

  func start() {
    let thread = Thread { self.run() }
    thread.name = "worker-http"
    thread.start()
  }

  /// Hands a command to the loop, from any thread.
  func post(_ command: Command) {
    let isClosed = inbox.withLock { inbox in
      guard !inbox.isClosed else { return true }
      inbox.commands.append(command)
      // Under the lock, so that the event source cannot be gone by then.
      ccurl_events_wake(events)
      return false
    }
    if isClosed, case .start(let transfer) = command {
      transfer.finish(.failure(Self.shutDown))
    }
  }

  private static let shutDown = HTTPError(code: .shutDown, message: "the HTTP client was shut down")

  private func run() {
    setUp()
    var ready = [ccurl_event](repeating: ccurl_event(), count: 64)
    while takeCommands() {
      let count = ccurl_events_wait(events, &ready, Int32(ready.count), timeoutInMilliseconds)
      for event in ready.prefix(Int(max(0, count))) {
        let flags =
          (event.readable ? CURL_CSELECT_IN : 0) | (event.writable ? CURL_CSELECT_OUT : 0)
          | (event.failed ? CURL_CSELECT_ERR : 0)
        act(on: event.fd, flags)
      }
      if let deadline, deadline <= .now {
        self.deadline = nil
        act(on: CURL_SOCKET_TIMEOUT, 0)
      }
      finishTransfers()
    }
    tearDown()
  }

  private func setUp() {
    let context = Unmanaged.passUnretained(self).toOpaque()
    // At least everything that can be in flight, or connections would be closed and opened again.
    ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, 1024)
    ccurl_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, context)
    ccurl_multi_set_socket_callback(multi) { _, socket, what, context, _ in
      let loop = CurlLoop.from(context)
      ccurl_events_watch(
        loop.events, socket, what == CURL_POLL_IN || what == CURL_POLL_INOUT,
        what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
      return 0
    }
    ccurl_multi_set_pointer(multi, CURLMOPT_TIMERDATA, context)
    ccurl_multi_set_timer_callback(multi) { _, milliseconds, context in
      CurlLoop.from(context).deadline = milliseconds < 0 ? nil : .now + .milliseconds(milliseconds)
      return 0
    }
  }

  private static func from(_ context: UnsafeMutableRawPointer?) -> CurlLoop {
    guard let context else { preconditionFailure("curl called back without its context") }
    return Unmanaged<CurlLoop>.fromOpaque(context).takeUnretainedValue()
  }

  private var timeoutInMilliseconds: Int32 {
    guard let deadline else { return -1 }
    return Int32(clamping: Int((max(.zero, deadline - .now).inSeconds * 1000).rounded(.up)))
  }

  private func act(on socket: Int32, _ flags: Int32) {
    var running: Int32 = 0
    curl_multi_socket_action(multi, socket, flags, &running)
  }

  /// - Returns: false when the loop is to end.
  private func takeCommands() -> Bool {
    let commands = inbox.withLock { inbox in
      defer { inbox.commands.removeAll(keepingCapacity: true) }
      return inbox.commands
    }
    for command in commands {
      switch command {
      case .start(let transfer): start(transfer)
      case .cancel(let transfer): cancel(transfer)
      case .stop: return false
      }
    }
    return true
  }

  private func start(_ transfer: CurlTransfer) {
    guard !transfer.isCancelled else { return transfer.finish(.failure(CancellationError())) }
    guard let easy = idleHandles.popLast() ?? curl_easy_init().map(OpaquePointer.init) else {
      return transfer.finish(.failure(HTTPError(code: .other, message: "no memory left for a request")))
    }
    transfer.attach(to: easy, certificates: certificates)
    active[ObjectIdentifier(transfer)] = transfer
    guard curl_multi_add_handle(multi, UnsafeMutableRawPointer(easy)) == CURLM_OK else {
      remove(transfer)
      return transfer.finish(.failure(HTTPError(code: .other, message: "libcurl has no memory left for a request")))
    }
  }

  private func cancel(_ transfer: CurlTransfer) {
    guard active[ObjectIdentifier(transfer)] != nil else { return }
    remove(transfer)
    transfer.finish(.failure(CancellationError()))
  }

  private func finishTransfers() {
    var easy: UnsafeMutableRawPointer?
    var result = CURLE_OK
    while ccurl_multi_next_done(multi, &easy, &result) {
      let transfer = CurlTransfer.from(easy.flatMap(ccurl_get_private))
      transfer.complete(result)
      remove(transfer)
    }
  }

  private func remove(_ transfer: CurlTransfer) {
    active[ObjectIdentifier(transfer)] = nil
    if let easy = transfer.easy {
      curl_multi_remove_handle(multi, UnsafeMutableRawPointer(easy))
    }
    if let easy = transfer.detach() {
      idleHandles.append(easy)
    }
  }

  private func tearDown() {
    let late = inbox.withLock { inbox in
      inbox.isClosed = true
      return inbox.commands
    }
    for transfer in Array(active.values) {
      remove(transfer)
      transfer.finish(.failure(Self.shutDown))
    }
    for case .start(let transfer) in late {
      transfer.finish(.failure(Self.shutDown))
    }
    for easy in idleHandles {
      curl_easy_cleanup(UnsafeMutableRawPointer(easy))
    }
    curl_multi_cleanup(multi)
    ccurl_events_destroy(events)
  }
}
