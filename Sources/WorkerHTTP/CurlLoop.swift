import CCurl
import Foundation
import WorkerKit
import WorkerLocks

/// The thread of a client's transfers: libcurl's multi handle over epoll or kqueue.
///
/// `@unchecked Sendable` is sound: only the loop's thread accesses the state, except the inbox and the event source's
/// waker.
final class CurlLoop: @unchecked Sendable {
  enum Command {
    case start(CurlTransfer)
    case cancel(CurlTransfer)
    case answer(AsyncValue<Bool>)
  }

  private struct Inbox {
    var commands: [Command] = []
    /// Whether the loop waits for its sockets, or is about to, so that a command has to wake it.
    var isWaiting = false
    var isStopped = false
    /// Whether the loop has ended and processes no more commands.
    var isClosed = false
  }

  let configuration: CurlConfiguration
  private let inbox = Mutex(Inbox())
  private let events: OpaquePointer
  private let multi: UnsafeMutableRawPointer
  private let share: UnsafeMutableRawPointer
  /// When libcurl is to be called even if no socket is ready; nil for never.
  private var deadline: ContinuousClock.Instant?
  private var idleHandles = IdleHandles<CurlHandle>()
  private var active: [ObjectIdentifier: CurlTransfer] = [:]

  private static let initialized: Void = {
    // A peer that resets a connection must not end the process. libcurl leaves this signal to the application if
    // NOSIGNAL is set.
    signal(SIGPIPE, SIG_IGN)
    _ = curl_global_init(Int(CURL_GLOBAL_DEFAULT))
  }()

  init(_ configuration: CurlConfiguration) {
    Self.initialized
    self.configuration = configuration
    guard let multi = curl_multi_init(), let share = ccurl_share_create(), let events = ccurl_events_create() else {
      fatalError("no memory or file descriptors left for an HTTP client; raise the limit (ulimit -n)")
    }
    self.multi = multi
    self.share = share
    self.events = events
  }

  deinit {
    // Any task that may wake the thread retains the loop, and so does the thread.
    ccurl_events_destroy(events)
  }

  func start() {
    Thread { self.run() }.start()
  }

  /// Posts a command to the loop, from any thread.
  func post(_ command: Command) {
    let isClosed = post { $0.commands.append(command) }
    if isClosed { Self.refuse(command) }
  }

  /// Waits until the loop's thread has processed a command.
  ///
  /// - Throws: `CancellationError`.
  func ping() async throws {
    let isAnswered = AsyncValue(false)
    post(.answer(isAnswered))
    try await isAnswered.wait { $0 }
  }

  /// Ends the loop and its transfers.
  func stop() {
    _ = post { $0.isStopped = true }
  }

  /// Changes the inbox, and wakes the thread if it waits.
  ///
  /// - Returns: Whether the loop has ended, in which case nothing was changed.
  private func post(_ what: (inout Inbox) -> Void) -> Bool {
    let (isClosed, isWaiting) = inbox.withLock { inbox in
      guard !inbox.isClosed else { return (true, false) }
      what(&inbox)
      defer { inbox.isWaiting = false }
      return (false, inbox.isWaiting)
    }
    // Outside the lock, because the woken thread takes the lock first.
    if isWaiting { ccurl_events_wake(events) }
    return isClosed
  }

  private static let shutDown = HTTPClientError(code: .shutDown, message: "the HTTP client was shut down")

  private func run() {
    // Foundation sets a thread's name only after it has registered the thread's start, which may be later.
    ccurl_thread_set_name("worker-http")
    setUp()
    var ready = [ccurl_event](repeating: ccurl_event(), count: 64)
    while let commands = takeCommands() {
      for command in commands { perform(command) }
      if let deadline, deadline <= .now {
        self.deadline = nil
        act(on: CURL_SOCKET_TIMEOUT, 0)
        finishTransfers()
      }
      if let end = idleHandles.nextEnd, end <= .now, idleHandles.removeStale(at: .now) { ccurl_release_memory() }
      // Commands that arrived meanwhile are processed without a wait.
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
    // At least the maximum number of requests in flight; otherwise connections would be closed and reopened.
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
    let idleEnd = idleHandles.nextEnd
    guard let end = deadline.map({ min($0, idleEnd ?? $0) }) ?? idleEnd else { return -1 }
    return Int32(clamping: Int((max(.zero, end - .now).inSeconds * 1000).rounded(.up)))
  }

  private func act(on socket: Int32, _ flags: Int32) {
    var running: Int32 = 0
    curl_multi_socket_action(multi, socket, flags, &running)
  }

  /// Takes the new commands.
  ///
  /// - Returns: The commands. If there are any, the loop checks again before it waits. nil if the loop is to end.
  private func takeCommands() -> [Command]? {
    inbox.withLock { inbox in
      guard !inbox.isStopped else { return nil }
      inbox.isWaiting = inbox.commands.isEmpty
      defer { inbox.commands.removeAll() }
      return inbox.commands
    }
  }

  private func perform(_ command: Command) {
    switch command {
    case .start(let transfer): start(transfer)
    case .cancel(let transfer): cancel(transfer)
    case .answer(let isAnswered):
      stepForward()
      isAnswered.update { $0 = true }
    }
  }

  /// Has the thread scheduled as others are: a task that it resumes may need a thread, which would inherit how it waits.
  private func stepForward() {
    ccurl_events_step_forward(events)
  }

  private func finish(_ transfer: CurlTransfer, _ error: any Error) {
    stepForward()
    transfer.finish(.failure(error))
  }

  /// Ends the wait for a command that arrives after the loop's end.
  private static func refuse(_ command: Command) {
    switch command {
    case .start(let transfer): transfer.finish(.failure(shutDown))
    case .cancel: break
    case .answer(let isAnswered): isAnswered.update { $0 = true }
    }
  }

  private func start(_ transfer: CurlTransfer) {
    guard !transfer.isCancelled else { return finish(transfer, CancellationError()) }
    let idle = idleHandles.take { $0.isReady(for: transfer.request) }
    guard let handle = idle ?? CurlHandle(configuration, sockets: events, share: share) else {
      return finish(transfer, HTTPClientError(code: .other, message: "no memory left for a request"))
    }
    handle.attach(transfer)
    transfer.handle = handle
    active[ObjectIdentifier(transfer)] = transfer
    guard curl_multi_add_handle(multi, handle.easy) == CURLM_OK else {
      remove(transfer)
      return finish(transfer, HTTPClientError(code: .other, message: "libcurl has no memory left for a request"))
    }
  }

  private func cancel(_ transfer: CurlTransfer) {
    guard active[ObjectIdentifier(transfer)] != nil else { return }
    stepForward()
    transfer.breakOff()
    remove(transfer)
  }

  private func finishTransfers() {
    var easy: UnsafeMutableRawPointer?
    var result = CURLE_OK
    while ccurl_multi_next_done(multi, &easy, &result) {
      guard let transfer = CurlHandle.from(easy.flatMap(ccurl_get_private)).transfer else {
        preconditionFailure("curl ended a request that it was not given")
      }
      stepForward()
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
    idleHandles.add(handle, at: .now)
  }

  private func tearDown() {
    stepForward()
    let late = inbox.withLock { inbox in
      inbox.isClosed = true
      return inbox.commands
    }
    for transfer in Array(active.values) {
      remove(transfer)
      transfer.finish(.failure(Self.shutDown))
    }
    for command in late { Self.refuse(command) }
    idleHandles.removeAll()
    curl_multi_cleanup(multi)
    curl_share_cleanup(share)
  }
}
