import Foundation
import Hummingbird
import WorkerKit

extension Console {
  private static let pageSize = 100
  /// How long a page waits for a refresh before it shows the progress.
  private static let refreshPatience = Duration.seconds(3)

  var deadLetterPages: [Endpoint] {
    [
      Endpoint(.get, "/dead-letters") { [self] request in
        let inventory = try deadLetters.inventory(request.query["queue"])
        // A link from another site causes no receive, and neither does a reader.
        if inventory.current.snapshot == nil, inventory.current.problem == nil, inventory.current.danger == nil,
          request.mayReceive
        {
          await refresh(inventory, by: request.visitor)
        }
        await inventory.untilRefreshed(within: Self.refreshPatience)
        return await deadLetterList(inventory, request)
      },
      Endpoint(.post, "/dead-letters/refresh", .operator) { [self] request in
        let inventory = try deadLetters.inventory(request.form["queue"])
        await refresh(
          inventory, despiteRedrivePolicy: request.form["despiteRedrivePolicy"] != nil, by: request.visitor)
        await inventory.untilRefreshed(within: Self.refreshPatience)
        return redirect(to: "/dead-letters?queue=\(Self.encoded(inventory.queue.name))")
      },
      Endpoint(.get, "/dead-letters/{queue}/{id}") { [self] request in
        let inventory = try deadLetters.inventory(request.parameters["queue"])
        let deadLetter = try await openDeadLetter(request.parameters["id"] ?? "", in: inventory, for: request)
        return deadLetterPage(deadLetter, inventory, request)
      },
      Endpoint(.post, "/dead-letters/{queue}/{id}/edit", .operator) { [self] request in
        let inventory = try deadLetters.inventory(request.parameters["queue"])
        let deadLetter = try await openDeadLetter(request.parameters["id"] ?? "", in: inventory, for: request)
        let submitted = request.form["body"] ?? ""
        let body = deadLetter.text.flatMap { EditableBody($0) }?.body(of: submitted) ?? submitted
        let plan = try editPlan(
          deadLetter, inventory, body: body, isNew: request.form["as"] == "new", by: request.visitor)
        return redirect(to: "/plans/\(plan.id)")
      },
    ]
  }

  static func encoded(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
  }

  /// `CharacterSet.alphanumerics` has letters of all scripts.
  private static let unreserved = CharacterSet(
    charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")

  private struct GroupView {
    var key: String
    var route: String
    var kind: String
    var pattern: String
    var count: String
    var first: String
    var last: String
    var isSelected: Bool
    var href: String
  }

  private struct DeadLetterRow {
    var id: String
    var href: String
    var route: String
    var kind: String
    var message: String
    var age: String
    var iso: String
    var receives: Int
    var size: String
  }

  private func deadLetterList(_ inventory: DeadLetterInventory, _ request: ConsoleRequest) async -> Response {
    let state = inventory.current
    let query = request.query
    let (group, text) = (query["group"], query["q"])
    // Searching reads all bodies, which is no work for the thread that answers health.
    let found = await withTaskExecutorPreference(globalConcurrentExecutor) {
      state.snapshot?.deadLetters(group: group, text: text) ?? []
    }
    let pages = max(1, (found.count + Self.pageSize - 1) / Self.pageSize)
    let number = min(max(1, query["page"].flatMap { Int($0) } ?? 1), pages)
    let queue = Self.encoded(inventory.queue.name)
    let filter = ["queue=\(queue)", group.map { "group=\(Self.encoded($0))" }, text.map { "q=\(Self.encoded($0))" }]
      .compactMap(\.self).joined(separator: "&")
    let rows = found.dropFirst((number - 1) * Self.pageSize).prefix(Self.pageSize).map { deadLetter in
      DeadLetterRow(
        id: deadLetter.id, href: "/dead-letters/\(queue)/\(Self.encoded(deadLetter.id))",
        route: deadLetter.route,
        kind: deadLetter.kind ?? "redrive policy", message: deadLetter.message,
        age: Format.age(deadLetter.sent.map { -$0.timeIntervalSinceNow }), iso: deadLetter.sent.map(Format.iso) ?? "",
        receives: deadLetter.receiveCount, size: Format.bytes(deadLetter.bytes))
    }
    let groups = (state.snapshot?.groups ?? []).prefix(200).map { one in
      GroupView(
        key: one.key, route: one.route, kind: one.kind ?? "redrive policy", pattern: one.pattern,
        count: Format.number(one.count), first: one.first.map(Format.time) ?? "–",
        last: one.last.map(Format.time) ?? "–",
        isSelected: one.key == group, href: "/dead-letters?queue=\(queue)&group=\(one.key)")
    }
    let isReading = state.progress != nil
    return page(
      "dead-letters",
      [
        "queue": inventory.queue.name, "queues": choices(deadLetters.all.map(\.queue.name), inventory.queue.name),
        "hasQueues": deadLetters.all.count > 1, "isReading": isReading, "progress": Format.number(state.progress ?? 0),
        "others": inventory.waiting > 1 ? Format.number(inventory.waiting - 1) : "",
        "isWaiting": isReading && inventory.waiting > 1,
        "problem": state.problem.map { Format.line($0) } ?? "", "hasProblem": state.problem != nil,
        "danger": state.danger.map { Format.line($0) } ?? "", "isDangerous": state.danger != nil,
        "isSeen": state.snapshot != nil, "deadLetterQueue": state.snapshot?.deadLetterQueue ?? "",
        "readAt": state.snapshot.map { Format.time($0.time) } ?? "",
        "readAge": Format.age(state.snapshot.map { -$0.time.timeIntervalSinceNow }),
        "received": Format.number(state.snapshot?.received ?? 0),
        "total": Format.number(state.snapshot?.deadLetters.count ?? 0),
        "inOthersHands": Format.number(state.snapshot?.inOthersHands ?? 0),
        "hasOthersHands": (state.snapshot?.inOthersHands ?? 0) > 0,
        "remarks": (state.snapshot?.remarks ?? []).map { Format.line($0) }, "groups": Array(groups),
        "hasGroups": !groups.isEmpty,
        "deadLetters": Array(rows), "hasDeadLetters": !rows.isEmpty, "found": Format.number(found.count),
        "group": group ?? "",
        "q": text ?? "", "isFiltered": group != nil || text != nil, "page": number, "pages": pages,
        "hasPages": pages > 1,
        "previous": number > 1 ? "/dead-letters?\(filter)&page=\(number - 1)" : "",
        "hasPrevious": number > 1, "hasNext": number < pages,
        "next": number < pages ? "/dead-letters?\(filter)&page=\(number + 1)" : "",
      ], for: request, at: "/dead-letters", refresh: isReading ? 1 : nil,
      live: isReading ? "/live/refresh?queue=\(queue)" : nil)
  }

  private struct AttributeView {
    var name: String
    var type: String
    var value: String
  }

  private func deadLetterPage(
    _ deadLetter: DeadLetter, _ inventory: DeadLetterInventory, _ request: ConsoleRequest
  ) -> Response {
    let message = deadLetter.message
    let failure = deadLetter.failure ?? deadLetter.claimedFailure
    var facts: [(String, String?)] = [
      ("Message id", deadLetter.id),
      ("First message's id", deadLetter.originalMessageID == deadLetter.id ? nil : deadLetter.originalMessageID),
      ("Idempotency key", deadLetter.idempotencyKey), ("Event type", deadLetter.eventType ?? "–"),
      ("Queue", deadLetter.queue), ("Handler", failure?.handler),
      ("Kind", deadLetter.kind ?? "moved by the queue's redrive policy"),
      ("Message", deadLetter.failure?.message ?? "It was received too often; the reason is in the worker's log."),
      ("Field", deadLetter.failure?.field), ("Received value", deadLetter.failure?.received),
      (
        "Attempts",
        failure.map {
          "\($0.receiveCount), the first at \($0.firstReceived.map(Format.time(iso:)) ?? "an unknown time")"
        }
      ),
      ("Receives as a dead letter", "\(message.receiveCount)"),
      ("Sent", message.sentAt.map(Format.time)), ("Redriven before", failure?.redriven),
      ("Group", message.groupID), ("Size with attributes", Format.bytes(message.size)), ("Trace", failure?.traceId),
    ]
    if let claimed = deadLetter.claimedFailure {
      facts.append(("Failed before, by its own word", "\(claimed.kind): \(claimed.message)"))
    }
    // A single one is the failure itself.
    if let attempts = failure?.attempts, attempts.count > 1 {
      facts += attempts.map { ("Attempt", "\(Format.time(iso: $0.at)), \($0.kind): \($0.message)") }
    }
    struct Fact {
      var name: String
      var value: String
    }
    let text = deadLetter.text
    let editable = text.flatMap { EditableBody($0) }
    let queue = Self.encoded(inventory.queue.name)
    let prospect = deadLetters.prospect(of: deadLetter)
    return page(
      "dead-letter",
      [
        "id": Format.line(deadLetter.id, limit: 100), "queue": inventory.queue.name,
        "back": "/dead-letters?queue=\(queue)",
        "facts": facts.compactMap { name, value in value.map { Fact(name: name, value: Format.line($0, limit: 2000)) }
        },
        "causes": (failure?.causes ?? []).map { Format.line($0) }, "hasCauses": !(failure?.causes ?? []).isEmpty,
        "attributes": message.attributes.sorted { $0.key < $1.key }.map { name, attribute in
          var value = attribute.stringValue ?? ""
          if case .binary(let bytes) = attribute.value { value = Data(bytes).base64EncodedString() }
          return AttributeView(
            name: Format.line(name), type: Format.line(attribute.dataType),
            value: TerminalText.lines(JSONLayout.indented(value) ?? value))
        }, "hasAttributes": !message.attributes.isEmpty,
        "body": text.map { TerminalText.lines(JSONLayout.indented($0) ?? $0) }
          ?? Data(message.body).base64EncodedString(),
        "isText": text != nil, "prospect": prospect.map { Format.line($0) } ?? "", "hasProspect": prospect != nil,
        "editable": editable?.text ?? "", "isEditable": editable != nil,
        "edit": "/dead-letters/\(queue)/\(Self.encoded(deadLetter.id))/edit",
        "traceLink": failure?.traceId.flatMap { id in
          configuration.traceLink?.replacing("{traceId}", with: Self.encoded(id))
        } ?? "",
        "hasTraceLink": failure?.traceId != nil && configuration.traceLink != nil,
      ], for: request, at: "/dead-letters")
  }
}
