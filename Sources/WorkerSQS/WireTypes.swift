import Foundation
import WorkerKit

/// SQS's requests and responses, with the names of AWS JSON 1.0.
enum Wire {
  protocol Request: Sendable {
    func write(to json: inout JSONWriter)
  }

  struct ReceiveMessage: Request {
    var QueueUrl: String
    var MaxNumberOfMessages: Int
    var WaitTimeSeconds: Int
    var VisibilityTimeout: Int

    private static let systemAttributes = [
      "ApproximateReceiveCount", "SentTimestamp", "ApproximateFirstReceiveTimestamp", "MessageGroupId",
      "MessageDeduplicationId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
    ]

    func write(to json: inout JSONWriter) {
      json.object {
        $0.member("QueueUrl", QueueUrl)
        $0.member("MaxNumberOfMessages", MaxNumberOfMessages)
        $0.member("WaitTimeSeconds", WaitTimeSeconds)
        $0.member("VisibilityTimeout", VisibilityTimeout)
        $0.member("MessageSystemAttributeNames", Self.systemAttributes)
        $0.member("MessageAttributeNames", ["All"])
      }
    }
  }

  /// The id of a batch entry is its index.
  struct DeleteMessageBatch: Request {
    var QueueUrl: String
    var receiptHandles: [String]

    func write(to json: inout JSONWriter) {
      json.batch(QueueUrl, receiptHandles) { json, receiptHandle in
        json.member("ReceiptHandle", receiptHandle)
      }
    }
  }

  struct ChangeMessageVisibilityBatch: Request {
    var QueueUrl: String
    var changes: [VisibilityChange]

    func write(to json: inout JSONWriter) {
      json.batch(QueueUrl, changes) { json, change in
        json.member("ReceiptHandle", change.receiptHandle)
        json.member("VisibilityTimeout", change.timeout.inWholeSeconds)
      }
    }
  }

  struct SendMessage: Request {
    var QueueUrl: String
    var message: OutgoingMessage

    func write(to json: inout JSONWriter) {
      json.object {
        $0.member("QueueUrl", QueueUrl)
        $0.members(of: message)
      }
    }
  }

  struct SendMessageResult: Decodable {
    var MessageId: String
    var MD5OfMessageBody: String?
  }

  struct SendMessageBatch: Request {
    var QueueUrl: String
    var messages: [OutgoingMessage]

    func write(to json: inout JSONWriter) {
      json.batch(QueueUrl, messages) { json, message in json.members(of: message) }
    }
  }

  struct GetQueueAttributes: Request {
    var QueueUrl: String
    var AttributeNames = [
      "RedrivePolicy", "VisibilityTimeout", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
      "ApproximateNumberOfMessagesDelayed",
    ]

    func write(to json: inout JSONWriter) {
      json.object {
        $0.member("QueueUrl", QueueUrl)
        $0.member("AttributeNames", AttributeNames)
      }
    }
  }

  struct QueueAttributesResult: Decodable {
    var Attributes: [String: String?]?

    /// The attributes without those that a server writes as null.
    var values: [String: String] { (Attributes ?? [:]).compactMapValues(\.self) }
  }

  struct RedrivePolicy: Decodable {
    var deadLetterTargetArn: String
    var maxReceiveCount: Int

    private enum CodingKeys: String, CodingKey { case deadLetterTargetArn, maxReceiveCount }

    /// SQS returns the policy as it was stored, and some clients store the count as a string.
    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      deadLetterTargetArn = try container.decode(String.self, forKey: .deadLetterTargetArn)
      if let text = try? container.decode(String.self, forKey: .maxReceiveCount), let count = Int(text) {
        maxReceiveCount = count
      } else {
        maxReceiveCount = try container.decode(Int.self, forKey: .maxReceiveCount)
      }
    }
  }

  struct GetQueueUrl: Request {
    var QueueName: String
    var QueueOwnerAWSAccountId: String?

    func write(to json: inout JSONWriter) {
      json.object {
        $0.member("QueueName", QueueName)
        $0.member("QueueOwnerAWSAccountId", QueueOwnerAWSAccountId)
      }
    }
  }

  struct QueueUrlResult: Decodable {
    var QueueUrl: String
  }
}

extension JSONWriter {
  fileprivate mutating func batch<Entry>(
    _ url: String, _ entries: [Entry], _ members: (inout JSONWriter, Entry) -> Void
  ) {
    object { json in
      json.member("QueueUrl", url)
      json.name("Entries")
      json.array { json in
        for (index, entry) in entries.enumerated() {
          json.object { json in
            json.member("Id", String(index))
            members(&json, entry)
          }
        }
      }
    }
  }

  fileprivate mutating func members(of message: OutgoingMessage) {
    member("MessageBody", message.body)
    member("MessageAttributes", message.attributes)
    member("MessageSystemAttributes", message.traceHeader.map { ["AWSTraceHeader": .string($0)] } ?? [:])
    member("MessageGroupId", message.groupID)
    member("MessageDeduplicationId", message.deduplicationID)
  }

  /// Writes the attributes. Writes nothing if there are none.
  fileprivate mutating func member(_ name: String, _ attributes: [String: MessageAttribute]) {
    guard !attributes.isEmpty else { return }
    self.name(name)
    object { json in
      for (name, attribute) in attributes {
        json.name(name)
        json.object { json in
          json.member("DataType", attribute.dataType)
          switch attribute.value {
          case .string(let text): json.member("StringValue", text)
          case .binary(let bytes): json.member("BinaryValue", Data(bytes).base64EncodedString())
          }
        }
      }
    }
  }
}
