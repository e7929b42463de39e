import Foundation
import Hummingbird
import NIOCore

/// A request for a queue's messages without a receive, in LocalStack's format: `/_aws/sqs/messages?QueueUrl=…`,
/// `/_aws/sqs/messages/REGION/ACCOUNT/NAME`, or a ReceiveMessage request whose client uses the former as its endpoint.
struct PeekRequest {
  private static let path = ["_aws", "sqs", "messages"]

  let operation: PeekMessages
  /// The operation whose response format is used.
  static let action = "ReceiveMessage"

  /// Whether a request has this format.
  static func matches(_ request: Request) -> Bool {
    request.uri.path.split(separator: "/").map(String.init).starts(with: path)
  }

  /// Parses a request.
  ///
  /// - Throws: The error that LocalStack returns for an invalid request.
  init(_ request: Request, _ body: ByteBuffer, in wire: any WireProtocol) throws {
    if wire is JSONProtocol {
      let call = try wire.read(request, body)
      guard let receive = call.operation as? ReceiveMessage else { throw ServiceError.onlyReceives }
      operation = PeekMessages(queue: try Self.queue(receive.QueueUrl))
      return
    }
    let form = QueryProtocol.form(request, body)
    guard [nil, Self.action].contains(form["Action"]) else { throw ServiceError.onlyReceives }
    let named = request.uri.path.split(separator: "/").dropFirst(Self.path.count).map(String.init)
    operation = PeekMessages(
      queue: named.count == 3 ? .init(region: named[0], name: named[2]) : try Self.queue(form["QueueUrl"]),
      showsInvisible: Self.isSet(form["ShowInvisible"]), showsDelayed: Self.isSet(form["ShowDelayed"]))
  }

  private static func isSet(_ flag: String?) -> Bool { ["true", "1"].contains(flag?.lowercased()) }

  /// A queue by its URL or name.
  private static func queue(_ url: String?) throws -> PeekMessages.QueueName {
    guard let url, !url.isEmpty else { throw ServiceError.queueDoesNotExist() }
    if let scheme = url.range(of: "://"), url[scheme.upperBound...].split(separator: "/").count < 3 {
      throw ServiceError.invalidAddress(url)
    }
    return .init(region: nil, name: url.split(separator: "/").last.map(String.init) ?? "")
  }
}
