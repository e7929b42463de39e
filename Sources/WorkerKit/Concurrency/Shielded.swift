/// Runs an operation to its end even where the surrounding task is cancelled: for what must not be cut off half-way,
/// such as the settlement of finished work. It is awaited, so it cannot leak.
func shieldedFromCancellation<Result: Sendable>(
  _ operation: @escaping @Sendable () async -> Result
) async -> Result {
  await Task { await operation() }.value
}
