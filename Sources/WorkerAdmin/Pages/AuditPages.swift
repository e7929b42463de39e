import Hummingbird

extension Console {
  var auditPages: [Endpoint] {
    [
      Endpoint(.get, "/audit") { [self] request in
        let entries = audit.latest().map { entry in
          EntryView(
            time: Format.time(entry.time), iso: Format.iso(entry.time), user: Format.line(entry.user),
            action: Format.line(entry.action),
            details: entry.details.sorted { $0.key < $1.key }.map { Format.line("\($0.key): \($0.value)") }.joined(
              separator: " · "))
        }
        return page(
          "audit",
          [
            "entries": entries, "hasEntries": !entries.isEmpty,
            "problem": audit.fileProblem.map { Format.line($0) } ?? "",
            "hasProblem": audit.fileProblem != nil,
          ], for: request, at: "/audit")
      }
    ]
  }

  private struct EntryView {
    var time: String
    var iso: String
    var user: String
    var action: String
    var details: String
  }
}
