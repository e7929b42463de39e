public import Logging

/// Throws away what is logged.
public let quietLogger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
