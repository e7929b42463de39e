import HTTPTypes
import Hummingbird
import WorkerKit

extension Console {
  func page(
    _ template: String, _ context: [String: Any], for request: ConsoleRequest, at current: String,
    refresh: Int? = nil, live: String? = nil, status: HTTPResponse.Status = .ok
  ) -> Response {
    let context = context.merging(["mayAct": request.visitor.mayAct, "token": request.visitor.token]) { first, _ in
      first
    }
    return renderer.page(
      template, context, frame: frame(request.visitor, at: current, refresh: refresh, live: live), status: status)
  }

  private func frame(_ visitor: Visitor, at current: String, refresh: Int?, live: String?) -> Renderer.Frame {
    let own = [
      ("/", "Overview"), ("/flow", "Flow"), ("/routes", "Routes"), ("/dead-letters", "Dead letters"),
      ("/jobs", "Jobs"), ("/audit", "Audit log"),
    ]
    let plugins = source.plugins().flatMap { plugin in
      let type = type(of: plugin)
      return type.consolePages.map { ("/plugins/\(type.name)/\($0.name)", $0.title) }
    }
    var canLogOut = false
    if case .session = visitor.means { canLogOut = true }
    return Renderer.Frame(
      links: (own + plugins).map { .init(href: $0.0, title: $0.1, isCurrent: $0.0 == current) },
      user: Format.line(visitor.name, limit: 100), role: visitor.role.rawValue, mayAct: visitor.mayAct,
      canLogOut: canLogOut, token: visitor.token, refresh: refresh, live: live)
  }
}
