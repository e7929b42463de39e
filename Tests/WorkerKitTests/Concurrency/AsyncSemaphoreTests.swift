import Testing

@testable import WorkerKit

@Suite("AsyncSemaphore", .timeLimit(.minutes(20)))
struct AsyncSemaphoreTests {
  @Test("tasks pass in the order in which they came, and a cancelled one does not count")
  func order() async throws {
    let semaphore = AsyncSemaphore(1)
    try await semaphore.wait()
    let taken = AsyncValue<[Int]>([])
    let tasks = (1...3).map { number in
      Task {
        try await taken.wait { _ in true }
        try await semaphore.wait()
        taken.update { $0.append(number) }
      }
    }
    tasks[1].cancel()
    await #expect(throws: CancellationError.self) { try await tasks[1].value }
    semaphore.signal()
    try await taken.wait { $0.count == 1 }
    semaphore.signal()
    try await taken.wait { $0.count == 2 }
    #expect(taken.value.sorted() == [1, 3])
    semaphore.signal()
    try await semaphore.wait()
  }

  @Test("work runs one at a time, in the order of the calls, also after one that fails")
  func run() async throws {
    struct Failure: Error {}
    let semaphore = AsyncSemaphore(1)
    let isOpen = AsyncValue(false)
    let ran = AsyncValue<[Int]>([])
    var tasks: [Task<Void, any Error>] = []
    for number in 1...3 {
      tasks.append(
        Task {
          try await semaphore.run {
            try await isOpen.wait { $0 }
            ran.update { $0.append(number) }
            if number == 1 { throw Failure() }
          }
        })
      while semaphore.count < number { await Task.yield() }
    }
    isOpen.update { $0 = true }
    await #expect(throws: Failure.self) { try await tasks[0].value }
    try await tasks[1].value
    try await tasks[2].value
    #expect(ran.value == [1, 2, 3])
    #expect(semaphore.count == 0)
  }
}
