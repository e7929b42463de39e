extension Result {
  /// As `Result(catching:)`, for what is awaited.
  package init(_ body: () async throws(Failure) -> Success) async {
    do {
      self = .success(try await body())
    } catch {
      self = .failure(error)
    }
  }

  package var failure: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}
