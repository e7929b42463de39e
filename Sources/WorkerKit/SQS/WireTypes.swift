import Foundation

/// SQS's requests and answers, as AWS JSON 1.0 spells them.
enum Wire {
  struct ReceiveMessage: Encodable {
    var QueueUrl: String
    var MaxNumberOfMessages: Int
    var WaitTimeSeconds: Int
    var VisibilityTimeout: Int
    var MessageSystemAttributeNames = [
      "ApproximateReceiveCount", "SentTimestamp", "ApproximateFirstReceiveTimestamp", "MessageGroupId",
      "MessageDeduplicationId", "AWSTraceHeader",
    ]
    var MessageAttributeNames = ["All"]
  }

  struct DeleteMessageBatch: Encodable {
    struct Entry: Encodable {
      var Id: String
      var ReceiptHandle: String
    }
    var QueueUrl: String
    var Entries: [Entry]
  }

  struct ChangeMessageVisibilityBatch: Encodable {
    struct Entry: Encodable {
      var Id: String
      var ReceiptHandle: String
      var VisibilityTimeout: Int
    }
    var QueueUrl: String
    var Entries: [Entry]
  }

  struct SendMessageBatch: Encodable {
    struct Entry: Encodable {
      var Id: String
      var MessageBody: String
      var MessageAttributes: [String: Attribute]?
      var MessageSystemAttributes: [String: Attribute]?
      var MessageGroupId: String?
      var MessageDeduplicationId: String?
    }
    var QueueUrl: String
    var Entries: [Entry]
  }

  struct Attribute: Encodable {
    var DataType: String
    var StringValue: String?
    var BinaryValue: Data?

    init(_ attribute: MessageAttribute) {
      DataType = attribute.dataType
      switch attribute.value {
      case .string(let text): StringValue = text
      case .binary(let bytes): BinaryValue = Data(bytes)
      }
    }
  }

  struct BatchResult: Decodable {
    struct Success: Decodable {
      var Id: String
      var MessageId: String?
      var MD5OfMessageBody: String?
    }
    struct Failure: Decodable {
      var Id: String
      var Code: String
      var Message: String?
    }
    var Successful: [Success]?
    var Failed: [Failure]?
  }

  struct GetQueueAttributes: Encodable {
    var QueueUrl: String
    var AttributeNames = [
      "RedrivePolicy", "VisibilityTimeout", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
      "ApproximateNumberOfMessagesDelayed",
    ]
  }

  struct QueueAttributesResult: Decodable {
    var Attributes: [String: String]?
  }

  struct RedrivePolicy: Decodable {
    var deadLetterTargetArn: String
    var maxReceiveCount: Int

    private enum CodingKeys: String, CodingKey { case deadLetterTargetArn, maxReceiveCount }

    /// The policy is returned as it was sent, and some send the count as a string.
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

  struct GetQueueUrl: Encodable {
    var QueueName: String
    var QueueOwnerAWSAccountId: String?
  }

  struct QueueUrlResult: Decodable {
    var QueueUrl: String
  }
}
