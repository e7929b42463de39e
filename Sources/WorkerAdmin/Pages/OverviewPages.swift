import Foundation
import Hummingbird
import WorkerKit

extension Console {
  var overviewPages: [Endpoint] {
    [
      Endpoint(.get, "/") { [self] request in
        await history.refresh()
        return page("overview", overview(), for: request, at: "/", refresh: 10, live: "/live/overview")
      },
      Endpoint(.get, "/live/overview") { [self] request in
        try stream(request, every: .seconds(2)) { [self] in
          await history.refresh()
          return [("overview", renderer.fragment("overview-live", overview()))]
        }
      },
      Endpoint(.post, "/diagnosis", .operator) { [self] request in
        _ = diagnosis.latest(work, isAnew: true)
        await audit.add(request.visitor.name, "diagnosis")
        return redirect(to: "/")
      },
    ]
  }

  private struct QueueView {
    struct Measure {
      var name: String
      var value: String
      var unit: String?
      var chart: String
      var isAlarming = false
    }

    var name: String
    var nameInURL: String
    var state: String
    var isHealthy: Bool
    var measures: [Measure]
    var depthDetail: String?
    var deadLetters: Int?
    var deadLettersText: String
    var problem: String?
  }

  private struct FindingView {
    /// By its words: it is broken between them, and not after the hyphens of an option.
    struct Command {
      var words: [String]
    }

    var status: String
    var title: String
    var message: String
    var remedy: [Command]
    var hasRemedies = false
    var link: String?
  }

  private struct BreakerView {
    var plugin: String
    var problem: String
  }

  private func overview() -> [String: Any] {
    // One snapshot: consumers can start between two.
    let snapshots = history.snapshot()
    let statuses = snapshots.map(\.status)
    let queues = snapshots.map(view)
    let breakers = Dictionary(statuses.flatMap(\.closedPlugins)) { first, _ in first }
      .sorted { $0.key < $1.key }.map { BreakerView(plugin: Format.line($0.key), problem: Format.line($0.value)) }
    let (findings, time) = diagnosis.latest(work)
    let wrong = findings.filter { [.wrong, .warning].contains($0.finding.status) }
      .sorted { ($0.finding.status == .wrong ? 0 : 1) < ($1.finding.status == .wrong ? 0 : 1) }.map(view)
    return [
      "queues": queues, "hasQueues": !queues.isEmpty, "breakers": breakers, "hasBreakers": !breakers.isEmpty,
      "findings": wrong, "hasFindings": !wrong.isEmpty, "isDiagnosed": time != nil,
      "diagnosedAt": time.map(Format.clock) ?? "", "checks": Format.number(findings.count),
      "routesPath": Format.line(source.routesPath), "routesReadAt": Format.time(source.routesReadAt),
      "now": Format.clock(Date()),
    ]
  }

  /// How many samples a sparkline has room for at least: those of two minutes. It grows to an hour's.
  private static let leastSamples = 12

  private func view(of queue: QueueSnapshot) -> QueueView {
    let (status, now, hour) = (queue.status, queue.now, queue.hour)
    func chart(_ label: String, _ value: (QueueSample) -> Double?) -> String {
      Charts.sparkline(hour.map(value), of: Self.leastSamples, label: "\(status.queue), \(label)")
    }
    let reason = Readiness(of: [status]).queues.first?.reason
    let waiting = now.visible.map { $0 + (now.delayed ?? 0) }
    return QueueView(
      name: Format.line(status.queue), nameInURL: Self.encoded(status.queue),
      state: reason.map { Format.line($0) } ?? status.activity.words,
      isHealthy: reason == nil && status.closedPlugins.isEmpty,
      measures: [
        .init(
          name: "Waiting", value: Format.number(waiting), unit: "messages",
          chart: chart("messages that wait") { $0.visible.map { Double($0) } }),
        .init(
          name: "Oldest received", value: Format.age(now.oldestAge),
          chart: chart("age of the oldest received, in seconds") { $0.oldestAge }),
        .init(
          name: "Handled", value: Format.rate(now.throughput), unit: "per second",
          chart: chart("events handled per second") { $0.throughput }),
        .init(
          name: "Failed attempts", value: Format.share(now.errorRate),
          chart: chart("share of attempts that failed") { $0.errorRate },
          isAlarming: (now.errorRate ?? 0) > 0.05),
        .init(
          name: "Slots busy", value: "\(Format.number(now.busy)) of \(Format.number(now.slots))",
          chart: chart("slots busy") { Double($0.busy) }, isAlarming: now.busy >= now.slots && now.slots > 0),
      ],
      depthDetail: now.inFlight.map { "\(Format.number($0)) in flight, \(Format.number(now.delayed ?? 0)) delayed" },
      deadLetters: now.deadLetters == 0 ? nil : now.deadLetters, deadLettersText: Format.number(now.deadLetters),
      problem: queue.problem.map { Format.line($0) })
  }

  private func view(of found: ConsoleFinding) -> FindingView {
    FindingView(
      status: found.finding.status == .wrong ? "wrong" : "warning",
      title: Format.line([found.check, found.name].compactMap(\.self).joined(separator: " ")),
      message: Format.line(found.finding.message),
      remedy: found.finding.remedy.map { command in
        .init(words: Format.line(command, limit: 2000).components(separatedBy: " "))
      },
      hasRemedies: !found.finding.remedy.isEmpty,
      link: found.check == "dead letters" ? "/dead-letters\(query(forQueue: found.name))" : nil)
  }

  /// - Parameter name: The queue's in routes.yaml, which pages call by the name in its URL.
  private func query(forQueue name: String?) -> String {
    let url = source.routes.queues.first { $0.name == name }?.url
    return url?.split(separator: "/").last.map { "?queue=\(Self.encoded(String($0)))" } ?? ""
  }
}

extension ConsumerStatus.Activity {
  var words: String {
    switch self {
    case .starting: "starting"
    case .receiving: "receiving"
    case .waitingForSlots: "all slots are taken"
    case .waitingForSettlements: "waits for settlements"
    case .waitingForPlugins: "waits for plugins"
    case .failing: "receiving fails"
    case .draining: "draining"
    case .stopped: "stopped"
    }
  }
}
