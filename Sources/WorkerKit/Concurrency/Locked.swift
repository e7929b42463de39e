/// State that several tasks or threads share for moments at a time. Never held across an `await`.
///
/// The one place that names a lock, so that another can stand in for it.
#if THREAD_SANITIZER
  import Foundation

  /// ThreadSanitizer does not know `Mutex`, and reports races under it that are none; a pthread lock it knows.
  ///
  /// `@unchecked` is sound: the state is touched under the lock alone.
  package final class Locked<State: ~Copyable>: @unchecked Sendable {
    private let lock = NSLock()
    private nonisolated(unsafe) var state: State

    package init(_ state: consuming sending State) {
      self.state = state
    }

    package func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      lock.lock()
      defer { lock.unlock() }
      return try body(&state)
    }
  }
#else
  import Synchronization

  package final class Locked<State: ~Copyable>: Sendable {
    private let mutex: Mutex<State>

    package init(_ state: consuming sending State) {
      mutex = Mutex(state)
    }

    package func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      try mutex.withLock(body)
    }
  }
#endif
