/// Protects state that several tasks or threads share. It is never held across an `await`.
///
/// The lock is declared only here, so that another implementation can replace it. It has a module of its own that no product
/// exports: Swift specializes a generic of another module only if it is public, and `WorkerKit` shows its users no lock.
#if THREAD_SANITIZER
  import Foundation

  /// ThreadSanitizer does not support `Synchronization.Mutex` and reports false races with it, so this uses a pthread
  /// lock.
  ///
  /// `@unchecked Sendable` is sound: the state is accessed under the lock only.
  public struct Mutex<State: ~Copyable>: ~Copyable, @unchecked Sendable {
    private final class Box {
      let lock = NSLock()
      var state: State

      init(_ state: consuming sending State) {
        self.state = state
      }
    }

    private let box: Box

    public init(_ state: consuming sending State) {
      box = Box(state)
    }

    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      box.lock.lock()
      defer { box.lock.unlock() }
      return try body(&box.state)
    }
  }
#else
  public import Synchronization

  public struct Mutex<State: ~Copyable>: ~Copyable, Sendable {
    @usableFromInline let mutex: Synchronization.Mutex<State>

    /// Creates a lock around a state.
    @inlinable public init(_ state: consuming sending State) {
      mutex = Synchronization.Mutex(state)
    }

    /// Runs `body` with the lock held. It must not call back to this lock.
    ///
    /// - Throws: The error of `body`.
    @inlinable public borrowing func withLock<Result: ~Copyable, Failure: Error>(
      _ body: (inout sending State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
      try mutex.withLock(body)
    }
  }
#endif
