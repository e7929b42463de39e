/// A message's body, read once for its route and for its handler.
package struct EventBody: Sendable {
  let bytes: [UInt8]
  /// nil where Foundation must look at the body.
  let document: JSONDocument?

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    document = JSONDocument(bytes)
  }
}
