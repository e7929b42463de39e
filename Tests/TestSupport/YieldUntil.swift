/// Lets others go on until a condition holds that nobody signals.
///
/// - Throws: `CancellationError`.
package func yieldUntil(_ isMet: () async throws -> Bool) async throws {
  while try await !isMet() {
    try Task.checkCancellation()
    await Task.yield()
  }
}
