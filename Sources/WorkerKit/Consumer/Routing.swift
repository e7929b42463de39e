/// The route that a message takes, or why it takes none.
///
/// A class, for each step of the pipeline asks for it: a copy of what it holds would cost six counts of references.
package final class Routing: Sendable {
  /// For logs and metrics, where there is no route: never what the message says of itself.
  static let unrouted = "unrouted"

  package let body: EventBody
  let identity: MessageIdentity
  private let result: Result<Route, any Error>

  init(of message: borrowing ReceivedMessage, in table: borrowing RoutingTable) {
    let body = EventBody(message.body)
    self.body = body
    identity = MessageIdentity(message)
    do { result = .success(try Self.find(body, in: table)) } catch { result = .failure(error) }
  }

  private static func find(_ body: EventBody, in table: borrowing RoutingTable) throws -> Route {
    let eventType = try Envelope(body: body).eventType
    guard let route = table.route(for: eventType) else {
      let hint = nearestName(to: eventType, among: table.eventTypes).map { "; did the producer mean \($0)?" } ?? ""
      throw UnroutedEvent(
        message: "eventType: expected one of \(table.eventTypes.joined(separator: ", ")), but received another\(hint)",
        received: EventDecoder.shortened(eventType))
    }
    return route
  }

  var route: Route? {
    if case .success(let route) = result { route } else { nil }
  }

  /// For logs and metrics.
  var label: String { route?.eventType ?? Self.unrouted }

  /// The route.
  ///
  /// - Throws: why there is none, or why the message's identity is not known.
  package func get() throws -> Route {
    let route = try result.get()
    if let problem = identity.problem { throw problem }
    return route
  }
}

/// An event that no route names: what follows is the table's decision, not a policy's.
struct UnroutedEvent: ClassifiedError {
  let kind = ErrorKind.validation
  let message: String
  let received: String
}
