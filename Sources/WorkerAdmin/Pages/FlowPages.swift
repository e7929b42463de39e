import Foundation
import Hummingbird
import Mustache
import WorkerKit
import WorkerLocks

extension Console {
  private static let flowLimit = 200
  /// Up to so many events a second, a live page gets a row for each; of more, the newest few. Nobody reads more, and each
  /// row costs the worker a fraction of a millisecond.
  private static let liveFlow = (all: 100, ofMore: 20)

  var flowPages: [Endpoint] {
    [
      Endpoint(.get, "/flow") { [self] request in
        let filter = try Self.flowFilter(request.query)
        let events = flow.events(matching: filter, limit: Self.flowLimit)
        let isPaused = request.query["paused"] != nil
        let query = request.request.uri.query.map { "?\($0)" } ?? ""
        return page(
          "flow",
          [
            "events": events.map(view), "hasEvents": !events.isEmpty,
            "queues": choices(source.consumers().map(\.queue), filter.queue),
            "routes": choices(source.routes.routes.map(\.eventType) + ["unrouted"], filter.route),
            "outcomes": choices(FlowEvent.Outcome.allCases.map(\.rawValue), filter.outcome?.rawValue),
            "id": filter.id ?? "", "isPaused": isPaused, "capacity": Format.number(FlowRecorder.capacity),
          ], for: request, at: "/flow", refresh: isPaused ? nil : 5, live: isPaused ? nil : "/live/flow\(query)")
      },
      Endpoint(.get, "/live/flow") { [self] request in
        let filter = try Self.flowFilter(request.query)
        // From a little before, for the page is a moment old; it knows which it has.
        let last = Mutex(max(0, flow.last - Self.liveFlow.all))
        return try stream(request, every: .seconds(1)) { [self] in
          let after = last.withLock { $0 }
          last.withLock { $0 = flow.last }
          var events = flow.events(after: after, matching: filter, limit: Self.liveFlow.all + 1)
          if events.count > Self.liveFlow.all { events.removeSubrange(Self.liveFlow.ofMore...) }
          // A blank before says that it is added to what is there.
          return events.isEmpty ? [] : [("flow", " " + renderer.fragment("flow-rows", ["events": events.map(view)]))]
        }
      },
    ]
  }

  static func flowFilter(_ query: FormFields) throws(ConsoleError) -> FlowFilter {
    let outcome = query["outcome"].map { FlowEvent.Outcome(rawValue: $0) }
    if case .some(nil) = outcome {
      throw .badRequest("outcome is one of \(FlowEvent.Outcome.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    return FlowFilter(queue: query["queue"], route: query["route"], outcome: outcome ?? nil, id: query["id"])
  }

  struct ChoiceView {
    var value: String
    var isSelected: Bool
  }

  func choices(_ values: [String], _ selected: String?) -> [ChoiceView] {
    values.map { ChoiceView(value: $0, isSelected: $0 == selected) }
  }

  /// Names its fields itself: by reflection, a row would take ten times as long.
  private struct EventView: MustacheParent {
    var number: Int
    var clock: String
    var iso: String
    var route: String
    var id: String
    var outcome: String
    var isFailure: Bool
    var problem: String?
    var duration: String
    var attempt: Int
    var traceID: String?
    var traceLink: String?

    func child(named name: String) -> Any? {
      switch name {
      case "number": number
      case "clock": clock
      case "iso": iso
      case "route": route
      case "id": id
      case "outcome": outcome
      case "isFailure": isFailure
      case "problem": problem
      case "duration": duration
      case "attempt": attempt
      case "traceID": traceID
      case "traceLink": traceLink
      default: nil
      }
    }
  }

  private func view(of event: FlowEvent) -> EventView {
    EventView(
      number: event.number, clock: Format.clock(event.time), iso: Format.iso(event.time),
      route: Format.line(event.route), id: Format.line(event.messageID, limit: 100),
      outcome: event.outcome.words, isFailure: event.outcome.isFailure,
      problem: event.kind.map { Format.line("\($0): \(event.problem ?? "")") },
      duration: Format.duration(event.duration), attempt: event.attempt,
      traceID: event.traceID.map { String($0.prefix(8)) },
      traceLink: event.traceID.flatMap { id in configuration.traceLink?.replacing("{traceId}", with: id) })
  }
}

extension FlowEvent.Outcome {
  var words: String {
    switch self {
    case .handled: "handled"
    case .duplicate: "already handled"
    case .retry: "retried"
    case .deadLetter: "dead-lettered"
    case .left: "left"
    case .cancelled: "cancelled"
    }
  }
}
