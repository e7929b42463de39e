import Synchronization

/// State that several tasks or threads share for moments at a time. Never held across an `await`.
///
/// The one place that names a lock, so that another can stand in for it.
final class Locked<State: ~Copyable>: Sendable {
  private let mutex: Mutex<State>

  init(_ state: consuming sending State) {
    mutex = Mutex(state)
  }

  func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending State) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    try mutex.withLock(body)
  }
}
