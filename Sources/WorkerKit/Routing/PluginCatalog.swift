/// The handlers and keys of a set of plugin types, read from their static members. It opens nothing.
struct PluginCatalog: Sendable {
  private(set) var handlers: [String: HandlerRegistration] = [:]
  private(set) var plugins: [String: any WorkerPlugin.Type] = [:]
  private(set) var errorKinds: [String: ErrorKind] = [:]

  init(_ types: [any WorkerPlugin.Type]) {
    for kind in ErrorKind.standard {
      errorKinds[kind.rawValue] = kind
    }
    for type in types {
      precondition(plugins[type.name] == nil, "two plugins are named \(type.name); give one of them another name")
      plugins[type.name] = type
      for kind in type.errorKinds {
        errorKinds[kind.rawValue] = kind
      }
      for registration in Self.registrations(of: type) {
        handlers[registration.name] = registration
      }
    }
  }

  private static func registrations<P: WorkerPlugin>(of type: P.Type) -> [HandlerRegistration] {
    var registry = HandlerRegistry<P>()
    P.register(in: &registry)
    return registry.registrations
  }
}
