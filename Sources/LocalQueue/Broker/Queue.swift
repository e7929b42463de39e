/// A queue: what the broker keeps of it in memory. Bodies are in the database alone.
final class Queue {
  let id: Int64
  let region: String
  let name: String
  let arn: String
  let createdAt: Milliseconds
  var modifiedAt: Milliseconds
  var attributes: QueueAttributes
  var tags: [String: String]
  var messages: MessageIndex
  var deduplication = Deduplication()
  /// Receives that wait for a message, the longest first.
  var waiting: [Broker.Waiting] = []
  /// When messages were last looked through for those older than the queue keeps them.
  var lastExpiry: Milliseconds = 0

  init(_ stored: StoredQueue, attributes: QueueAttributes, account: String) {
    id = stored.id
    region = stored.region
    name = stored.name
    arn = "arn:aws:sqs:\(stored.region):\(account):\(stored.name)"
    createdAt = stored.createdAt
    modifiedAt = stored.modifiedAt
    self.attributes = attributes
    tags = stored.tags
    messages = MessageIndex(isFIFO: attributes.isFIFO)
  }
}
