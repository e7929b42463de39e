import Foundation

extension PluginDemo {
  /// The demo's events with the event types of a file's routes: a route can assign a handler to another event type.
  /// Events whose handler has no route are omitted.
  package static func demoEvents(for file: RoutesFile) -> [DemoEvent] {
    demoEvents.compactMap { event in
      guard let type = try? Envelope(body: EventBody(Array(event.body.utf8))).eventType else { return nil }
      guard let handler = demoRoutes[type] else { return file.routes.contains { $0.eventType == type } ? event : nil }
      let routes = file.routes.filter { $0.handlerName == handler }.map(\.eventType)
      guard let route = routes.contains(type) ? type : routes.first,
        let quoted = (try? JSONEncoder().encode(route)).map({ String(decoding: $0, as: UTF8.self) })
      else { return nil }
      var event = event
      event.body = event.body.replacing("\"\(type)\"", with: quoted, maxReplacements: 1)
      return event
    }
  }
}
