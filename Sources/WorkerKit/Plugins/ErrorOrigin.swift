/// A place in the source code: where an error was made.
public struct ErrorOrigin: Sendable, Hashable, CustomStringConvertible {
  public var function: String
  /// `Module/File.swift`.
  public var file: String
  public var line: UInt

  public init(function: String, file: String, line: UInt) {
    self.function = function
    self.file = file
    self.line = line
  }

  public var description: String { "\(function) (\(file):\(line))" }
}

/// An error that knows where it was made. Swift's errors do not by themselves, and carry no stack; traces show it.
public protocol LocatedError: Error {
  var origin: ErrorOrigin { get }
}
