import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import WorkerKit

extension Console {
  var jobPages: [Endpoint] {
    [
      Endpoint(.post, "/plans", .operator) { [self] request in
        let form = request.form
        let inventory = try deadLetters.inventory(form["queue"])
        var selection = DeadLetterSelection(ids: form.all("id"))
        switch form["scope"] {
        case "selected": if selection.ids.isEmpty { throw ConsoleError.badRequest("Select dead letters first.") }
        case "found":
          selection = DeadLetterSelection(
            group: form["group"], text: form["q"], all: form["group"] == nil && form["q"] == nil)
        default: throw ConsoleError.badRequest("scope is selected or found.")
        }
        guard form["action"] != "export" else { return try await export(selection, of: inventory, by: request.visitor) }
        guard let action = form["action"].flatMap(Plan.Action.init) else {
          throw ConsoleError.badRequest("The action is redrive, discard or export.")
        }
        return redirect(to: "/plans/\(try await plan(action, selection, of: inventory, by: request.visitor).id)")
      },
      Endpoint(.get, "/plans/{id}", .operator) { [self] request in
        try await planPage(deadLetters.plans.find(request.parameters["id"] ?? ""), request)
      },
      Endpoint(.post, "/plans/{id}/confirm", .operator) { [self] request in
        return redirect(to: "/jobs/\(try await begin(request.parameters["id"] ?? "", by: request.visitor).id)")
      },
      Endpoint(.get, "/jobs") { [self] request in
        let jobs = deadLetters.jobs.all.map { summary(of: $0) }
        return page("jobs", ["jobs": jobs, "hasJobs": !jobs.isEmpty], for: request, at: "/jobs", refresh: 5)
      },
      Endpoint(.get, "/jobs/{id}") { [self] request in
        let job = try deadLetters.jobs.find(request.parameters["id"] ?? "")
        let isOver = job.state.value.phase.isOver
        return page(
          "job", jobView(job, request.visitor), for: request, at: "/jobs", refresh: isOver ? nil : 1,
          live: isOver ? nil : "/live/jobs/\(job.id)")
      },
      Endpoint(.get, "/live/jobs/{id}") { [self] request in
        let job = try deadLetters.jobs.find(request.parameters["id"] ?? "")
        return try stream(request, every: .milliseconds(500)) { [self] in
          guard !job.state.value.phase.isOver else { return nil }
          return [("job", renderer.fragment("job-live", jobView(job, request.visitor)))]
        }
      },
      Endpoint(.get, "/live/refresh") { [self] request in
        let inventory = try deadLetters.inventory(request.query["queue"])
        return try stream(request, every: .milliseconds(300)) {
          // The page is loaded anew when there is something to see.
          guard let count = inventory.current.progress else { return nil }
          return [("reading", Format.number(count))]
        }
      },
      Endpoint(.post, "/jobs/{id}/abort", .operator) { [self] request in
        let job = try deadLetters.jobs.find(request.parameters["id"] ?? "")
        job.abort()
        await audit.add(request.visitor.name, "abort", details: ["job": job.id, "of": job.user])
        return redirect(to: "/jobs/\(job.id)")
      },
      Endpoint(.get, "/discarded") { [self] request in try await discardedPage(request, notice: nil) },
      Endpoint(.post, "/discarded/restore", .operator) { [self] request in
        let result = try await restore(request.form.all("id"), by: request.visitor)
        let notice =
          "Restored \(Format.number(result.count)).\(result.problem.map { " Not all: \(Format.line($0))" } ?? "")"
        return try await discardedPage(request, notice: notice)
      },
    ]
  }

  private struct JobView {
    var id: String
    var action: String
    var selection: String
    var user: String
    var start: String
    var phase: String
    var isOver: Bool
    var progress: String
  }

  private func summary(of job: Job) -> JobView {
    let state = job.state.value
    return JobView(
      id: job.id, action: job.plan.action.rawValue, selection: Format.line(job.plan.selection),
      user: Format.line(job.user),
      start: Format.time(job.start), phase: state.phase.words, isOver: state.phase.isOver,
      progress: "\(Format.number(state.gone.count)) of \(Format.number(job.plan.ids.count))")
  }

  private struct ResultView {
    var id: String
    var outcome: String
    var isGone: Bool
    var handling: String
    var isFailure: Bool
    var detail: String
  }

  private func jobView(_ job: Job, _ visitor: Visitor) -> [String: Any] {
    let state = job.state.value
    var reason = ""
    if case .stopped(let why) = state.phase { reason = Format.line(why, limit: 1000) }
    let results = state.results.suffix(500).reversed().map { result in
      ResultView(
        id: Format.line(result.id, limit: 100), outcome: result.outcome, isGone: result.isGone,
        handling: result.handling?.words ?? "", isFailure: result.handling?.isFailure ?? false,
        detail: Format.line(result.problem ?? result.detail ?? ""))
    }
    let done = state.gone.count + state.left.count
    return [
      "job": summary(of: job), "reason": reason, "hasReason": !reason.isEmpty, "stage": state.stage,
      "hasStage": !state.stage.isEmpty && !state.phase.isOver, "total": job.plan.ids.count, "done": done,
      "gone": Format.number(state.gone.count), "left": Format.number(state.left.count),
      "handled": Format.number(state.handled),
      "failed": Format.number(state.failed), "isRedrive": job.plan.action == .redrive, "results": Array(results),
      "hasResults": !results.isEmpty, "hasMore": state.results.count > results.count,
      "more": Format.number(state.results.count - results.count), "canAbort": visitor.mayAct && !state.phase.isOver,
      "token": visitor.token, "end": state.end.map(Format.time) ?? "", "queue": Self.encoded(job.plan.queue),
    ]
  }

  private struct PlanGroup {
    var route: String
    var kind: String
    var pattern: String
    var count: String
  }

  private func planPage(_ plan: Plan, _ request: ConsoleRequest) async throws -> Response {
    var context: [String: Any] = [
      "id": plan.id, "action": plan.action.rawValue, "isDiscard": plan.action == .discard,
      "isRedrive": plan.action == .redrive && plan.edit == nil, "count": Format.number(plan.ids.count),
      "queue": plan.queue,
      "back": "/dead-letters?queue=\(Self.encoded(plan.queue))", "selection": Format.line(plan.selection),
      "failing": Format.number(plan.failing), "willFail": plan.failing > 0,
      "reason": plan.reason.map { Format.line($0) } ?? "",
      "days": DiscardedDeadLetters.days,
      "groups": plan.groups.prefix(50).map {
        PlanGroup(
          route: $0.route, kind: $0.kind ?? "redrive policy", pattern: $0.pattern, count: Format.number($0.count))
      },
    ]
    if let edit = plan.edit, let id = plan.ids.first {
      let deadLetter = try await openDeadLetter(id, in: deadLetters.inventory(plan.queue), for: request)
      let old = deadLetter.text ?? ""
      context["isEdit"] = true
      context["isNew"] = edit.isNewEvent
      context["diff"] = LineDiff.lines(
        from: JSONLayout.indented(old) ?? old, to: JSONLayout.indented(edit.body) ?? edit.body)
      context["isSame"] = old == edit.body
      context["back"] = "/dead-letters/\(Self.encoded(plan.queue))/\(Self.encoded(id))"
    }
    return page("plan", context, for: request, at: "/dead-letters")
  }

  private struct DiscardedView {
    var id: String
    var time: String
    var user: String
    var queue: String
    var route: String
    var kind: String
    var message: String
  }

  private func discardedPage(_ request: ConsoleRequest, notice: String?) async throws -> Response {
    let (entries, count) = try await deadLetters.discarded.list()
    let views = entries.map { entry in
      DiscardedView(
        id: Format.line(entry.id, limit: 100), time: Format.time(entry.time), user: Format.line(entry.user),
        queue: Format.line(entry.queue), route: entry.route, kind: entry.kind ?? "redrive policy",
        message: entry.message)
    }
    return page(
      "discarded",
      [
        "entries": views, "hasEntries": !views.isEmpty, "count": Format.number(count),
        "shown": Format.number(views.count),
        "days": DiscardedDeadLetters.days, "notice": notice ?? "", "hasNotice": notice != nil,
      ], for: request, at: "/dead-letters")
  }
}
