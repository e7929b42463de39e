/// A message's body, read once for its route and for its handler.
package struct EventBody: Sendable {
  /// The notes of a body that waits for its handler wait with it, and should not take more memory than the body may: this many
  /// take 200 KB.
  private static let nodeLimit = 10_000

  let bytes: [UInt8]
  /// nil where it has more nodes than are kept, and where the body is not JSON.
  let keptDocument: JSONDocument?

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    let document = try? JSONDocument(bytes)
    keptDocument = document.flatMap { $0.nodes.count <= Self.nodeLimit ? $0 : nil }
  }

  /// The document; read anew where it is not kept.
  ///
  /// - Throws: ``JSONReader/SyntaxError`` where the body is not JSON.
  func document() throws -> JSONDocument {
    try keptDocument ?? JSONDocument(bytes)
  }
}
