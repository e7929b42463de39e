/// What a set of plugin types offers, read from their static members: nothing is opened.
struct PluginCatalog: Sendable {
  private(set) var handlers: [String: HandlerRegistration] = [:]
  private(set) var plugins: [String: any Plugin.Type] = [:]
  private(set) var errorKinds: [String: ErrorKind] = [:]

  init(_ types: [any Plugin.Type]) {
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

  private static func registrations<P: Plugin>(of type: P.Type) -> [HandlerRegistration] {
    var registry = HandlerRegistry<P>()
    P.register(in: &registry)
    return registry.registrations
  }
}
