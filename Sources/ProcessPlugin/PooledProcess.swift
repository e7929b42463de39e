/// A process of a ``ProcessPool``: what it is handed, and how it is told to stop.
struct PooledProcess: Sendable {
  /// Why a conversation is over.
  enum End: Sendable, Equatable {
    /// The worker stops.
    case stopped
    /// An event takes longer than its route allows, or its message was lost.
    case hangs
    case outputEnded
    case inputClosed
    /// It wrote something that is no answer.
    case broken(String)

    /// Nil where the way in which it exits says it all.
    var phrase: String? {
      switch self {
      case .stopped, .outputEnded: nil
      case .hangs: "it had not answered when its event's time was over"
      case .inputClosed: "it reads its standard input no more"
      case .broken(let reason): "it wrote \(reason)"
      }
    }
  }

  let number: Int
  let requests: AsyncStream<[UInt8]>
  let requestQueue: AsyncStream<[UInt8]>.Continuation
  let stops: AsyncStream<End>
  let stopQueue: AsyncStream<End>.Continuation

  init(number: Int) {
    self.number = number
    (requests, requestQueue) = AsyncStream.makeStream()
    (stops, stopQueue) = AsyncStream.makeStream()
  }
}
