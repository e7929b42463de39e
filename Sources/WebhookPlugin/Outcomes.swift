import WorkerKit

/// What an answer's status means: the key `outcomes` of a route. An exact status comes before its class.
struct Outcomes: ConfigurationValue, Hashable {
  enum Outcome: Sendable, Hashable {
    case handled
    case failed(ErrorKind)
  }

  static let configurationDescription = "a mapping such as { 404: handled, 5xx: unavailable }"
  static let standard = Outcomes(
    exact: [408: .failed(.timeout), 409: .failed(.unavailable), 429: .failed(.throttled)],
    classes: [2: .handled, 3: .failed(.badRequest), 4: .failed(.badRequest), 5: .failed(.unavailable)])

  private var exact: [Int: Outcome]
  /// By the status's first digit.
  private var classes: [Int: Outcome]
  /// Those that the route itself names.
  private var named: Set<Int> = []

  private init(exact: [Int: Outcome], classes: [Int: Outcome]) {
    self.exact = exact
    self.classes = classes
  }

  init?(configurationText text: String) { nil }

  /// What it does not name stays as in ``standard``.
  init(configuration input: ConfigurationInput) throws(ConfigurationValueError) {
    guard case .mapping(let mapping) = input else {
      throw ConfigurationValueError("must be \(Self.configurationDescription)")
    }
    self = .standard
    var problems: [ConfigurationValueError.Problem] = []
    for (status, input) in mapping.sorted(by: { $0.key < $1.key }) {
      do throws(ConfigurationValueError) {
        try set(status, try Self.outcome(input))
      } catch {
        problems += error.problems.map {
          .init(path: $0.path.isEmpty ? [.value(of: status)] : $0.path, message: $0.message, hint: $0.hint)
        }
      }
    }
    if !problems.isEmpty { throw ConfigurationValueError(problems) }
  }

  private mutating func set(_ status: String, _ outcome: Outcome) throws(ConfigurationValueError) {
    let digits = Array(status.utf8)
    guard digits.count == 3, let number = Int(status.replacing(/[xX]{2}$/, with: "00")), (200...599).contains(number)
    else {
      throw ConfigurationValueError([
        .init(
          path: [.name(status)], message: "must be a status from 200 to 599, or a class of them: 2xx, 3xx, 4xx or 5xx")
      ])
    }
    if digits[1] | 0x20 == UInt8(ascii: "x") {
      classes[number / 100] = outcome
    } else {
      exact[number] = outcome
      named.insert(number)
    }
  }

  private static func outcome(_ input: ConfigurationInput) throws(ConfigurationValueError) -> Outcome {
    let names = ["handled"] + ErrorKind.standard.map(\.rawValue)
    guard case .text(let name) = input, names.contains(name) else {
      let near: String? = if case .text(let name) = input { nearestName(to: name, among: names) } else { nil }
      throw ConfigurationValueError([
        .init(
          message: "must be handled or a kind of error: \(names.dropFirst().joined(separator: ", "))",
          hint: near.map { "did you mean `\($0)`?" })
      ])
    }
    return name == "handled" ? .handled : .failed(ErrorKind(rawValue: name))
  }

  subscript(status: Int) -> Outcome {
    exact[status] ?? classes[status / 100] ?? .failed(.unexpected)
  }

  /// What a status says of the destination as a whole, unless the route says what it means.
  func refusal(_ status: Int) -> DependencyRefusal? {
    guard !named.contains(status), case .failed = self[status] else { return nil }
    return switch status {
    case 401, 403: .unauthorized
    case 410: .gone
    default: nil
    }
  }
}

extension Outcomes: CustomStringConvertible {
  /// As `routes.yaml` has it.
  var description: String {
    let all = exact.map { ("\($0)", $1) } + classes.map { ("\($0)xx", $1) }
    let entries = all.sorted { $0.0 < $1.0 }.map { status, outcome in
      if case .failed(let kind) = outcome { "\(status): \(kind)" } else { "\(status): handled" }
    }
    return "{ \(entries.joined(separator: ", ")) }"
  }
}
