import Foundation
import Subprocess
import WorkerKit

extension TerminationStatus {
  /// For people: "it exited with status 3".
  var phrase: String {
    switch self {
    case .exited(let code): "it exited with status \(code)"
    case .signaled(let signal): "signal \(signal) ended it"
    }
  }

  /// What a process's end says of the one event that it had: nil where it was handled.
  ///
  /// | exit code | | kind |
  /// |---|---|---|
  /// | 0 | | handled |
  /// | 65 | `EX_DATAERR` | `validation` |
  /// | 69 | `EX_UNAVAILABLE` | `unavailable` |
  /// | 75 | `EX_TEMPFAIL` | `unavailable` |
  /// | 77, 78 | `EX_NOPERM`, `EX_CONFIG` | `badRequest` |
  /// | others, and signals | | `unexpected` |
  func failure(of program: String) -> EventError? {
    guard case .exited(let code) = self else {
      return EventError(.unexpected, "\(program) did not handle the event: \(phrase)")
    }
    let kind: ErrorKind? =
      switch code {
      case 0: nil
      case EX_DATAERR: .validation
      case EX_UNAVAILABLE, EX_TEMPFAIL: .unavailable
      case EX_NOPERM, EX_CONFIG: .badRequest
      default: .unexpected
      }
    return kind.map {
      EventError($0, "\(program) did not handle the event: \(phrase); its standard error is in the log")
    }
  }
}
