import NIOCore

/// Runs tasks on the event loops of a group. A task that blocks delays everything else on its event loop.
final class EventLoopExecutor: TaskExecutor {
  private let eventLoops: any EventLoopGroup

  init(_ eventLoops: any EventLoopGroup) {
    self.eventLoops = eventLoops
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    eventLoops.next().execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
