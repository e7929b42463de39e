/// State that several tasks or threads share for moments at a time. Never held across an `await`.
///
/// The one place that names a lock, so that another can stand in for it.
#if THREAD_SANITIZER
  import Foundation

  /// ThreadSanitizer does not know `Mutex`, and reports races under it that are none; a pthread lock it knows.
  ///
  /// `@unchecked` is sound: the state is touched under the lock alone.
  package struct Locked<State: ~Copyable>: ~Copyable, @unchecked Sendable {
    private final class Box {
      let lock = NSLock()
      var state: State

      init(_ state: consuming sending State) {
        self.state = state
      }
    }

    private let box: Box

    package init(_ state: consuming sending State) {
      box = Box(state)
    }

    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      box.lock.lock()
      defer { box.lock.unlock() }
      return try body(&box.state)
    }
  }
#else
  import Synchronization

  package struct Locked<State: ~Copyable>: ~Copyable, Sendable {
    private let mutex: Mutex<State>

    package init(_ state: consuming sending State) {
      mutex = Mutex(state)
    }

    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      try mutex.withLock(body)
    }
  }
#endif
