extension BlockingThreads {
  /// The section `threads` of `routes.yaml`.
  static let limitKey = ConfigurationKey(
    "blocking", default: standardLimit,
    "How many threads run the code that handlers say blocks; more of it waits.",
    check: { (1...1000).contains($0) ? nil : "must be from 1 to 1000" })
}
