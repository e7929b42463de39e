/// The part of a queue that the broker keeps in memory. Bodies are stored only in the database.
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
  /// The previous deduplication scope after a change, and how long it remains effective.
  private var formerScope: (isByGroup: Bool, until: Milliseconds)?
  /// The waiting receives, in order of arrival.
  var waiting: [Broker.Waiting] = []
  /// When expired messages were last removed.
  var lastExpiry: Milliseconds = 0

  init(_ stored: StoredQueue, attributes: QueueAttributes, account: String) {
    id = stored.id
    region = stored.region
    name = stored.name
    arn = queueArn(stored.name, region: stored.region, account: account)
    createdAt = stored.createdAt
    modifiedAt = stored.modifiedAt
    self.attributes = attributes
    tags = stored.tags
    messages = MessageIndex(isFIFO: attributes.isFIFO)
  }

  /// Changes the attributes. They are effective at once, except the deduplication scope: SQS takes up to a minute for
  /// most attributes, and recordings show that it continues to send with the previous scope.
  func change(_ attributes: QueueAttributes, at now: Milliseconds) {
    if attributes.deduplicatesGroups != self.attributes.deduplicatesGroups {
      formerScope = (deduplicatesGroups(at: now), now + .seconds(60))
    }
    self.attributes = attributes
    modifiedAt = now
  }

  /// Whether deduplication ids are scoped to a message group.
  func deduplicatesGroups(at now: Milliseconds) -> Bool {
    if let formerScope, now < formerScope.until { return formerScope.isByGroup }
    return attributes.deduplicatesGroups
  }
}
