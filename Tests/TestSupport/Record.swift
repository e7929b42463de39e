import WorkerKit

/// What happened, in order.
package final class Record<Element: Sendable>: Sendable {
  private let elements = AsyncValue<[Element]>([])

  package init() {}

  package func add(_ element: Element) {
    elements.update { $0.append(element) }
  }

  package var all: [Element] { elements.value }

  package func untilCount(_ count: Int) async throws {
    try await elements.wait { $0.count >= count }
  }
}
