import Foundation

/// All queues, and what is done with them, one operation after another.
///
/// It belongs to one thread (``CommitLoop``'s). A batch of operations shares a transaction: `begin`, `perform` for each,
/// `advance`; and when the transaction is committed, and not earlier, what ``takeFinished()`` returns is answered.
final class Broker {
  /// An operation that waits for its answer.
  struct Request: Sendable {
    var operation: any Operation
    var caller: Caller
    var reply: Reply
  }

  /// A receive that waits for a message.
  struct Waiting {
    var request: Request
    var deadline: Milliseconds
    /// Tries again; nil while there is nothing to receive.
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
  /// The queues on which messages were put since they were last looked at.
  var arrivals: Set<Int64> = []
  /// When messages were last looked through for what is to be forgotten.
  var lastCleanUp: Milliseconds = 0
  private var finished: [Finished] = []
  private let account: String
  private let clock: () -> Milliseconds

  /// Reads what the database has.
  init(storage: Storage, account: String, clock: @escaping () -> Milliseconds) throws {
    self.storage = storage
    self.account = account
    self.clock = clock
    now = clock()
    for stored in try storage.queues() {
      insert(Queue(stored, attributes: try QueueAttributes().setting(stored.attributes), account: account))
    }
    try storage.forEachMessage(
      { queue, id, entry in
        queues[queue]?.messages.insert(id, entry)
      }, at: now)
    try storage.forEachDeduplication(since: now - .seconds(Limits.deduplicationInterval)) { queue, key, original in
      queues[queue]?.deduplication.note(original, for: key)
    }
    moveTasks = try storage.moveTasks().map { MoveTask($0, resumedAt: now) }
  }

  // MARK: - A batch

  func begin() {
    now = clock()
  }

  /// - Throws: what the database throws; then nothing of the batch may be committed.
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

  /// Does what has become due, by the batch or by the time: moves messages, and answers receives that wait.
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
      // A receive moves what was received too often, and somebody may wait for it where it went.
      pending = arrivals.intersection(waitingQueues)
    }
  }

  private func serve(_ queue: Queue) throws {
    queue.messages.showDue(at: now)
    var isDry = false
    var left: [Waiting] = []
    for waiting in queue.waiting {
      // Whoever hung up would lose what it is handed, until it becomes visible again.
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

  /// When ``advance()`` has something to do, if nobody asks for anything before.
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

  /// Ends every wait with nothing received.
  func endWaits() {
    for request in waitingRequests { finish(request, .success(.emptyObject)) }
    forgetWaits()
  }

  /// Lets go of every wait: each holds its queue, which holds it.
  func forgetWaits() {
    for id in waitingQueues { queues[id]?.waiting = [] }
    waitingQueues = []
  }

  var waitingRequests: [Request] { waitingQueues.flatMap { queues[$0]?.waiting.map(\.request) ?? [] } }

  /// What can be answered now.
  func takeFinished() -> [Finished] {
    defer { finished.removeAll(keepingCapacity: true) }
    return finished
  }

  private func finish(_ request: Request, _ result: Result<JSONValue, ServiceError>) {
    finished.append(Finished(request: request, result: result))
  }

  // MARK: - Queues

  /// The queue of a URL; its host does not matter, nor does its account.
  func queue(url: String?, for caller: Caller) throws -> Queue {
    guard let url, !url.isEmpty else { throw ServiceError.missingParameter("QueueUrl") }
    return try queue(named: url.split(separator: "/").last.map(String.init) ?? "", for: caller)
  }

  /// The queue of a URL, in whichever region there is one.
  func queueAnywhere(url: String?, for caller: Caller) throws -> Queue {
    do {
      return try queue(url: url, for: caller)
    } catch let error as ServiceError {
      let name = url?.split(separator: "/").last.map(String.init)
      guard let name, let queue = queuesByName.values.lazy.compactMap({ $0[name] }).first else { throw error }
      return queue
    }
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

  /// By name.
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
    "arn:aws:sqs:\(caller.region):\(account):\(name)"
  }

  private func insert(_ queue: Queue) {
    queues[queue.id] = queue
    queuesByName[queue.region, default: [:]][queue.name] = queue
  }
}
