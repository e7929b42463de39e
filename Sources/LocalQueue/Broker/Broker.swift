import Foundation

/// All queues, and the operations on them, one at a time.
///
/// The broker is confined to one thread, that of ``CommitLoop``. A batch of operations shares a transaction: call
/// `begin`, `perform` for each operation, and `advance`. After the commit, send the responses that ``takeFinished()``
/// returns.
final class Broker {
  /// An operation that waits for its response.
  struct Request: Sendable {
    var operation: any Operation
    var caller: Caller
    var reply: Reply
  }

  /// A receive that waits for a message.
  struct Waiting {
    var request: Request
    var deadline: Milliseconds
    /// Retries the receive; returns nil while there is no message.
    var retry: (Broker) throws -> JSONValue?
  }

  struct Finished {
    var request: Request
    var result: Result<JSONValue, ServiceError>

    func answer() { request.reply(result) }
  }

  let storage: Storage
  private(set) var now: Milliseconds
  private(set) var queues: [Int64: Queue] = [:]
  private var queuesByName: [String: [String: Queue]] = [:]
  var moveTasks: [MoveTask] = []
  private var waitingQueues: Set<Int64> = []
  /// The queues that received messages since the last check.
  var arrivals: Set<Int64> = []
  /// When expired data was last removed.
  var lastCleanUp: Milliseconds = 0
  private var finished: [Finished] = []
  let account: String
  private let clock: () -> Milliseconds

  /// Reads the database.
  init(storage: Storage, account: String, clock: @escaping () -> Milliseconds) throws {
    self.storage = storage
    self.account = account
    self.clock = clock
    now = clock()
    for stored in try storage.queues() {
      insert(Queue(stored, attributes: try QueueAttributes().setting(stored.attributes), account: account))
    }
    try storage.forEachMessage(at: now) { queue, id, entry in queues[queue]?.messages.insert(id, entry) }
    try storage.forEachDeduplication(since: now - .seconds(Limits.deduplicationInterval)) { queue, key, original in
      queues[queue]?.deduplication.record(original, for: key)
    }
    moveTasks = try storage.moveTasks().map { MoveTask($0, resumedAt: now) }
  }

  // MARK: - Batches

  func begin() {
    now = clock()
  }

  /// Performs an operation.
  ///
  /// - Throws: An error of the database, after which nothing of the batch may be committed.
  func perform(_ request: Request) throws {
    do {
      switch try request.operation.run(in: self, for: request.caller) {
      case .answer(let answer):
        finish(request, .success(answer))
      case .waiting(let queue, let seconds, let retry):
        queue.waiting.append(Waiting(request: request, deadline: now + .seconds(seconds), retry: retry))
        waitingQueues.insert(queue.id)
      }
    } catch let error as ServiceError {
      finish(request, .failure(error))
    }
  }

  /// Processes everything that is due after the batch or at this time: moves messages, and answers waiting receives.
  func advance() throws {
    for index in moveTasks.indices { try moveTasks[index].advance(in: self) }
    var pending = waitingQueues
    while !pending.isEmpty {
      arrivals = []
      for id in pending {
        guard let queue = queues[id] else { continue }
        try serve(queue)
        if queue.waiting.isEmpty { waitingQueues.remove(id) }
      }
      // A receive may move messages to a dead-letter queue, on which another receive may wait.
      pending = arrivals.intersection(waitingQueues)
    }
  }

  private func serve(_ queue: Queue) throws {
    queue.messages.showDue(at: now)
    var isDry = false
    var left: [Waiting] = []
    for waiting in queue.waiting {
      // A client that has disconnected would lose the messages until they become visible again.
      guard waiting.request.caller.isConnected() else {
        finish(waiting.request, .success(.emptyObject))
        continue
      }
      do {
        if !isDry, let answer = try waiting.retry(self) {
          finish(waiting.request, .success(answer))
          continue
        }
        isDry = true
        if waiting.deadline <= now {
          finish(waiting.request, .success(.emptyObject))
        } else {
          left.append(waiting)
        }
      } catch let error as ServiceError {
        finish(waiting.request, .failure(error))
      }
    }
    queue.waiting = left
  }

  /// The next time at which ``advance()`` has work, unless a request arrives earlier.
  var nextEvent: Milliseconds? {
    var next: Milliseconds?
    func consider(_ time: Milliseconds?) {
      if let time { next = min(next ?? time, time) }
    }
    for id in waitingQueues {
      guard let queue = queues[id] else { continue }
      consider(queue.messages.nextEvent)
      for waiting in queue.waiting { consider(waiting.deadline) }
    }
    for task in moveTasks { consider(task.nextEvent) }
    return next
  }

  /// Ends every waiting receive without a message.
  func endWaits() {
    for request in waitingRequests { finish(request, .success(.emptyObject)) }
    forgetWaits()
  }

  /// Releases the waiting receives, which form retain cycles with their queues.
  func forgetWaits() {
    for id in waitingQueues { queues[id]?.waiting = [] }
    waitingQueues = []
  }

  var waitingRequests: [Request] { waitingQueues.flatMap { queues[$0]?.waiting.map(\.request) ?? [] } }

  /// Returns and removes the finished requests.
  func takeFinished() -> [Finished] {
    defer { finished.removeAll(keepingCapacity: true) }
    return finished
  }

  private func finish(_ request: Request, _ result: Result<JSONValue, ServiceError>) {
    finished.append(Finished(request: request, result: result))
  }

  // MARK: - Queues

  /// The queue of a URL. The host and the account of the URL are ignored.
  func queue(url: String?, for caller: Caller) throws -> Queue {
    guard let url, !url.isEmpty else { throw ServiceError.missingParameter("QueueUrl") }
    return try queue(named: url.split(separator: "/").last.map(String.init) ?? "", for: caller)
  }

  /// A queue by name, in a region or, without one, in any region.
  func queue(named name: String, region: String?) throws -> Queue {
    let regions = region.map { [$0] } ?? queuesByName.keys.sorted()
    guard let queue = regions.lazy.compactMap({ self.queuesByName[$0]?[name] }).first else {
      throw ServiceError.queueDoesNotExist()
    }
    return queue
  }

  func queue(named name: String, for caller: Caller) throws -> Queue {
    if let queue = queuesByName[caller.region]?[name] { return queue }
    let elsewhere = queuesByName.filter { $0.value[name] != nil }.keys.sorted()
    throw ServiceError.queueDoesNotExist(
      elsewhere.isEmpty ? "" : " in \(caller.region), but in \(elsewhere.joined(separator: ", "))")
  }

  func queue(arn: String) -> Queue? {
    let parts = arn.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 6, parts[2] == "sqs" else { return nil }
    return queuesByName[parts[3]]?[parts[5]]
  }

  func existingQueue(named name: String, in region: String) -> Queue? { queuesByName[region]?[name] }

  /// The queues of a region, sorted by name.
  func queues(in region: String) -> [Queue] {
    (queuesByName[region] ?? [:]).values.sorted { $0.name < $1.name }
  }

  func createQueue(
    _ name: String, attributes: QueueAttributes, tags: [String: String], for caller: Caller
  ) throws -> Queue {
    let id = try storage.insertQueue(
      region: caller.region, name: name, attributes: attributes.values, tags: tags, at: now)
    let stored = StoredQueue(
      id: id, region: caller.region, name: name, attributes: attributes.values, tags: tags, createdAt: now,
      modifiedAt: now)
    let queue = Queue(stored, attributes: attributes, account: account)
    insert(queue)
    return queue
  }

  func delete(_ queue: Queue) throws {
    try storage.deleteQueue(queue.id)
    for waiting in queue.waiting { finish(waiting.request, .failure(.queueDoesNotExist())) }
    queue.waiting = []
    waitingQueues.remove(queue.id)
    queues[queue.id] = nil
    queuesByName[queue.region]?[queue.name] = nil
  }

  func url(of queue: Queue, for caller: Caller) -> String { "\(caller.endpoint)/\(account)/\(queue.name)" }

  func arn(ofQueueNamed name: String, for caller: Caller) -> String {
    queueArn(name, region: caller.region, account: account)
  }

  private func insert(_ queue: Queue) {
    queues[queue.id] = queue
    queuesByName[queue.region, default: [:]][queue.name] = queue
  }
}
