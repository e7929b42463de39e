import Foundation
import Hummingbird
import NIOCore
import WorkerKit

/// The JSON API: what the pages show and do, for scripts. `openapi.json` describes it.
extension Console {
  private static let listLimit = 1000

  var api: [Endpoint] {
    reading + acting
  }

  private var reading: [Endpoint] {
    [
      Endpoint(.get, "/api/openapi.json") { _ in
        Response(
          status: .ok, headers: Self.security.with([.contentType: "application/json", .cacheControl: "no-store"]),
          body: ResponseBody(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_json)))
      },
      Endpoint(.get, "/api/session") { [self] request in
        try json(
          SessionRecord(
            user: request.visitor.name, role: request.visitor.role.rawValue, csrfToken: request.visitor.token))
      },
      Endpoint(.get, "/api/overview") { [self] _ in
        await history.refresh()
        return try json(overviewRecord())
      },
      Endpoint(.get, "/api/routes") { [self] _ in try json(RoutesRecord(routes: routeRecords())) },
      Endpoint(.get, "/api/flow") { [self] request in
        let limit = try Self.limit(request.query, default: 200)
        let events = flow.events(matching: try Self.flowFilter(request.query), limit: limit)
        return try json(FlowRecord(events: events.map(FlowRecord.Event.init)))
      },
      Endpoint(.get, "/api/dead-letters") { [self] request in
        let inventory = try deadLetters.inventory(request.query["queue"])
        let limit = try Self.limit(request.query, default: 100)
        let (group, text) = (request.query["group"], request.query["q"])
        let found = await withTaskExecutorPreference(globalConcurrentExecutor) {
          inventory.current.snapshot?.deadLetters(group: group, text: text) ?? []
        }
        return try json(DeadLettersRecord(inventory, found, limit: limit))
      },
      Endpoint(.get, "/api/dead-letters/{queue}/{id}") { [self] request in
        let deadLetter = try await openDeadLetter(
          request.parameters["id"] ?? "", in: deadLetters.inventory(request.parameters["queue"]), for: request)
        return try json(DeadLetterRecord(deadLetter, isWhole: true))
      },
      Endpoint(.get, "/api/plans/{id}", .operator) { [self] request in
        try json(PlanRecord(deadLetters.plans.find(request.parameters["id"] ?? "")))
      },
      Endpoint(.get, "/api/jobs") { [self] _ in try json(JobsRecord(jobs: deadLetters.jobs.all.map { JobRecord($0) }))
      },
      Endpoint(.get, "/api/jobs/{id}") { [self] request in
        try json(JobRecord(deadLetters.jobs.find(request.parameters["id"] ?? ""), withResults: true))
      },
      Endpoint(.get, "/api/discarded") { [self] _ in
        let (entries, count) = try await deadLetters.discarded.list()
        return try json(DiscardedRecord(count: count, deadLetters: entries.map(DiscardedRecord.DeadLetter.init)))
      },
      Endpoint(.get, "/api/audit") { [self] request in
        try json(AuditRecord(entries: audit.latest(limit: Self.limit(request.query, default: 200))))
      },
    ]
  }

  private var acting: [Endpoint] {
    [
      Endpoint(.post, "/api/diagnosis", .operator) { [self] request in
        _ = diagnosis.latest(work, isAnew: true)
        await audit.add(request.visitor.name, "diagnosis")
        return try json(overviewRecord(), status: .accepted)
      },
      Endpoint(.post, "/api/dead-letters/refresh", .operator) { [self] request in
        let asked = try request.json(RefreshRequest.self)
        let inventory = try deadLetters.inventory(asked.queue)
        await refresh(inventory, despiteRedrivePolicy: asked.despiteRedrivePolicy ?? false, by: request.visitor)
        await inventory.untilRefreshed(within: .seconds(3))
        return try json(
          DeadLettersRecord(inventory, [], limit: 0), status: inventory.current.progress == nil ? .ok : .accepted)
      },
      Endpoint(.post, "/api/plans", .operator) { [self] request in
        let asked = try request.json(PlanRequest.self)
        let inventory = try deadLetters.inventory(asked.queue)
        guard let action = Plan.Action(rawValue: asked.action) else {
          throw ConsoleError.badRequest("action is redrive or discard.")
        }
        if let body = asked.body {
          guard action == .redrive, let ids = asked.ids, ids.count == 1 else {
            throw ConsoleError.badRequest("body is for the redrive of one dead letter.")
          }
          let deadLetter = try await openDeadLetter(ids[0], in: inventory, for: request)
          return try json(
            PlanRecord(
              editPlan(deadLetter, inventory, body: body, isNew: asked.asNewEvent ?? false, by: request.visitor)),
            status: .created)
        }
        let selection = DeadLetterSelection(
          ids: asked.ids ?? [], group: asked.group, text: asked.q, all: asked.all ?? false)
        return try json(
          PlanRecord(try await plan(action, selection, of: inventory, by: request.visitor)), status: .created)
      },
      Endpoint(.post, "/api/plans/{id}/confirm", .operator) { [self] request in
        let job = try await begin(request.parameters["id"] ?? "", by: request.visitor)
        return try json(JobRecord(job), status: .accepted)
      },
      Endpoint(.post, "/api/jobs/{id}/abort", .operator) { [self] request in
        let job = try deadLetters.jobs.find(request.parameters["id"] ?? "")
        job.abort()
        await audit.add(request.visitor.name, "abort", details: ["job": job.id, "of": job.user])
        return try json(JobRecord(job), status: .accepted)
      },
      Endpoint(.post, "/api/dead-letters/export", .operator) { [self] request in
        let asked = try request.json(ExportRequest.self)
        let selection = DeadLetterSelection(
          ids: asked.ids ?? [], group: asked.group, text: asked.q, all: asked.all ?? false)
        return try await export(selection, of: deadLetters.inventory(asked.queue), by: request.visitor)
      },
      Endpoint(.post, "/api/discarded/restore", .operator) { [self] request in
        let asked = try request.json(RestoreRequest.self)
        let result = try await restore(asked.ids, by: request.visitor)
        return try json(RestoreRecord(restored: result.count, problem: result.problem))
      },
    ]
  }

  private static func limit(_ query: FormFields, default standard: Int) throws(ConsoleError) -> Int {
    guard let text = query["limit"] else { return standard }
    guard let limit = Int(text), (1...listLimit).contains(limit) else {
      throw .badRequest("limit is a whole number from 1 to \(listLimit).")
    }
    return limit
  }
}

private struct RefreshRequest: Decodable {
  var queue: String?
  var despiteRedrivePolicy: Bool?
}

private struct PlanRequest: Decodable {
  var queue: String?
  var action: String
  var ids: [String]?
  var group: String?
  var q: String?
  var all: Bool?
  var body: String?
  var asNewEvent: Bool?
}

private struct ExportRequest: Decodable {
  var queue: String?
  var ids: [String]?
  var group: String?
  var q: String?
  var all: Bool?
}

private struct RestoreRequest: Decodable {
  var ids: [String]
}
