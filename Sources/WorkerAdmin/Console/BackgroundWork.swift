import Foundation
import WorkerKit

/// Work that goes on when the request that began it has been answered: refreshes of dead letters, and jobs.
final class BackgroundWork: Sendable {
  typealias Work = @Sendable () async -> Void

  private let waiting = AsyncValue<[Work]>([])

  func begin(_ work: @escaping Work) {
    waiting.update { $0.append(work) }
  }

  /// Runs what is begun, until it is cancelled; then what runs is cancelled, and waited for.
  func run() async {
    await withDiscardingTaskGroup { group in
      while (try? await waiting.wait(until: { !$0.isEmpty })) != nil {
        let works = waiting.update { waiting in
          defer { waiting = [] }
          return waiting
        }
        for work in works {
          // It reads many messages, which is Swift's pool's work and not the worker's own thread's.
          group.addTask(executorPreference: globalConcurrentExecutor) { await work() }
        }
      }
      group.cancelAll()
    }
  }
}
