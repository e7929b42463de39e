/// The events that a file's routes accept.
extension RoutesFile {
  /// The schemas of all routes, in the order of the file.
  package var schemas: [RouteSchema] {
    routes.map { RouteSchema($0.eventType, EventSchema(of: eventType(of: $0))) }
  }

  /// The error with which every handler would reject a body, as far as it can be determined without calling one; nil if
  /// the handler decides.
  package func refusal(of body: [UInt8]) -> (any Error)? {
    do {
      let body = EventBody(body)
      let eventType = try Envelope(body: body).eventType
      guard let route = routes.first(where: { $0.eventType == eventType }) else {
        let names = routes.map(\.eventType)
        let hint = nearestName(to: eventType, among: names).map { "; did you mean \($0)?" } ?? ""
        return EventError(
          .validation,
          "eventType: expected one of \(names.sorted().joined(separator: ", ")), but received another\(hint)")
      }
      try decode(self.eventType(of: route), from: body)
      return nil
    } catch {
      return error
    }
  }

  private func decode(_ type: (some Decodable).Type, from body: EventBody) throws {
    _ = try EventDecoder.decode(type, from: body)
  }

  private func eventType(of route: RouteConfiguration) -> any (Decodable & Sendable).Type {
    guard let registration = catalog.handlers[route.handlerName] else {
      preconditionFailure("\(route.handlerName) passed the check, but is not registered")
    }
    return registration.eventType
  }
}
