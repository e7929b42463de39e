import Foundation

/// What was measured, and the table of it.
struct Figures {
  static let batches = [1, 10, 100, 250, 1_000]

  private var rates: [String: [Int: [Double]]] = [:]
  private var names: [String] = []
  private var syncTimes: [Double] = []

  mutating func add(_ rate: Double, of name: String, batch: Int) {
    if !names.contains(name) { names.append(name) }
    rates[name, default: [:]][batch, default: []].append(rate)
  }

  /// - Parameter syncTime: In milliseconds.
  mutating func add(_ syncTime: Double) {
    syncTimes.append(syncTime)
  }

  func show() {
    let sync = median(of: syncTimes)
    print(
      "a write of 4 KiB and its sync: \(text(sync, digits: 3)) ms, so at most \(text(1_000 / sync)) a second one by one"
    )
    if sync < 0.05 { print("no disk is that fast: what lies below answers before the data is safe") }
    print()
    print("\(column("a second", 18))\(Self.batches.map { column("\($0) a commit", 14) }.joined())")
    for name in names {
      print("\(column(name, 18))\(Self.batches.map { column(text(rate(name, $0)), 14) }.joined())")
    }
    guard let ours = names.last else { return }
    print()
    for batch in Self.batches {
      let times = names.map { "\($0) \(text(rate($0, batch) / rate($0, 1), digits: 1)) times" }
      let shares = names.dropLast().map { "\(text(100 * rate(ours, batch) / rate($0, batch))) % of \($0)" }
      print(
        "\(batch) a commit, against one: \(times.joined(separator: ", ")); \(ours) does \(shares.joined(separator: ", "))"
      )
    }
  }

  private func rate(_ name: String, _ batch: Int) -> Double {
    median(of: rates[name]?[batch] ?? [.nan])
  }

  private func text(_ number: Double, digits: Int = 0) -> String {
    number.formatted(.number.precision(.fractionLength(digits)).locale(Locale(identifier: "en_US_POSIX")))
  }

  private func column(_ text: String, _ width: Int) -> String {
    text.count < width ? text + String(repeating: " ", count: width - text.count) : text + " "
  }
}
