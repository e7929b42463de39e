import CCurl
import Foundation

/// The thread that all transfers of a client run on: libcurl's multi handle over epoll or kqueue.
///
/// Unchecked: everything but the inbox and the event source's waker is touched by the loop's own thread alone.
final class CurlLoop: @unchecked Sendable {
  enum Command {
    case start(CurlTransfer)
    case cancel(CurlTransfer)
  }

  private struct Inbox {
    var commands: [Command] = []
    /// Whether the loop waits for its sockets, or is about to, and has to be woken for a command.
    var isWaiting = false
    var isStopped = false
    /// Nobody takes commands any more.
    var isClosed = false
  }

  let maximumResponseSize: Int
  private let certificates: String?
  private let inbox = Locked(Inbox())
  private let events: OpaquePointer
  private let multi: UnsafeMutableRawPointer
  /// When libcurl wants to be called without any socket being ready; nil for never.
  private var deadline: ContinuousClock.Instant?
  private var idleHandles: [CurlHandle] = []
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

  deinit {
    // Whoever may still wake the thread holds the loop, and so does the thread.
    ccurl_events_destroy(events)
  }

  func start() {
    Thread { self.run() }.start()
  }

  /// Hands a command to the loop, from any thread.
  func post(_ command: Command) {
    let isClosed = tell { $0.commands.append(command) }
    if isClosed, case .start(let transfer) = command {
      transfer.finish(.failure(Self.shutDown))
    }
  }

  /// Ends the loop, and what is under way.
  func stop() {
    _ = tell { $0.isStopped = true }
  }

  /// - Returns: whether the loop has ended, and nothing was told.
  private func tell(_ what: (inout Inbox) -> Void) -> Bool {
    let (isClosed, isWaiting) = inbox.withLock { inbox in
      guard !inbox.isClosed else { return (true, false) }
      what(&inbox)
      defer { inbox.isWaiting = false }
      return (false, inbox.isWaiting)
    }
    // Not under the lock: whom this wakes wants the lock first of all.
    if isWaiting { ccurl_events_wake(events) }
    return isClosed
  }

  private static let shutDown = HTTPError(code: .shutDown, message: "the HTTP client was shut down")

  private func run() {
    // Foundation gives it only to a thread whose start has been noted, which can be after this.
    ccurl_thread_set_name("worker-http")
    setUp()
    var ready = [ccurl_event](repeating: ccurl_event(), count: 64)
    while let commands = takeCommands() {
      for command in commands { carryOut(command) }
      if let deadline, deadline <= .now {
        self.deadline = nil
        act(on: CURL_SOCKET_TIMEOUT, 0)
        finishTransfers()
      }
      // What came meanwhile is taken without a wait.
      guard commands.isEmpty else { continue }
      let count = ccurl_events_wait(events, &ready, Int32(ready.count), timeoutInMilliseconds)
      for event in ready.prefix(Int(max(0, count))) {
        let flags =
          (event.readable ? CURL_CSELECT_IN : 0) | (event.writable ? CURL_CSELECT_OUT : 0)
          | (event.failed ? CURL_CSELECT_ERR : 0)
        act(on: event.fd, flags)
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

  /// - Returns: what came since the last time, in which case the loop has to ask again before it waits; nil when the loop
  ///   is to end.
  private func takeCommands() -> [Command]? {
    inbox.withLock { inbox in
      guard !inbox.isStopped else { return nil }
      inbox.isWaiting = inbox.commands.isEmpty
      defer { inbox.commands.removeAll() }
      return inbox.commands
    }
  }

  private func carryOut(_ command: Command) {
    switch command {
    case .start(let transfer): start(transfer)
    case .cancel(let transfer): cancel(transfer)
    }
  }

  private func start(_ transfer: CurlTransfer) {
    guard !transfer.isCancelled else { return transfer.finish(.failure(CancellationError())) }
    guard let handle = idleHandle(for: transfer.request) ?? CurlHandle(certificates: certificates, sockets: events)
    else {
      return transfer.finish(.failure(HTTPError(code: .other, message: "no memory left for a request")))
    }
    handle.attach(transfer)
    transfer.handle = handle
    active[ObjectIdentifier(transfer)] = transfer
    guard curl_multi_add_handle(multi, handle.easy) == CURLM_OK else {
      remove(transfer)
      return transfer.finish(.failure(HTTPError(code: .other, message: "libcurl has no memory left for a request")))
    }
  }

  /// One that is ready for such a request, rather than any.
  private func idleHandle(for request: HTTPRequest) -> CurlHandle? {
    guard let index = idleHandles.lastIndex(where: { $0.isReady(for: request) }) ?? idleHandles.indices.last else {
      return nil
    }
    return idleHandles.remove(at: index)
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
      guard let transfer = CurlHandle.from(easy.flatMap(ccurl_get_private)).transfer else {
        preconditionFailure("curl ended a request that it was not given")
      }
      transfer.complete(result)
      remove(transfer)
    }
  }

  private func remove(_ transfer: CurlTransfer) {
    active[ObjectIdentifier(transfer)] = nil
    guard let handle = transfer.handle else { return }
    curl_multi_remove_handle(multi, handle.easy)
    transfer.handle = nil
    handle.detach()
    idleHandles.append(handle)
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
    idleHandles.removeAll()
    curl_multi_cleanup(multi)
  }
}
