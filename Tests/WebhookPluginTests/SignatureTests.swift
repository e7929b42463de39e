import Testing

@testable import WebhookPlugin

@Suite("Standard Webhooks' signatures")
struct SignatureTests {
  /// Source: Standard Webhooks' specification, the example that its libraries test themselves with.
  @Test("a request is signed as the specification's example is")
  func example() throws {
    let secret = try #require(WebhookSecret(configurationText: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    let signature = WebhookSecret.signature(
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: "1614265330", body: Array(#"{"test": 2432232314}"#.utf8),
      secrets: [secret])
    #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
  }

  @Test("while secrets rotate, each has its signature; one that is not set has none")
  func several() throws {
    let secrets = try ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "", "whsec_\(String(repeating: "A", count: 32))"].map {
      try #require(WebhookSecret(configurationText: $0))
    }
    let signature = WebhookSecret.signature(id: "a", timestamp: "1", body: [], secrets: secrets)
    let parts = try #require(signature).split(separator: " ")
    #expect(parts.count == 2)
    #expect(parts.allSatisfy { $0.hasPrefix("v1,") && $0.count == 47 })
    #expect(Set(parts).count == 2)
    #expect(WebhookSecret.problem(of: secrets) == nil)
  }

  @Test("without secrets there is no signature, and a list of none but empty ones is a mistake")
  func none() throws {
    let empty = try #require(WebhookSecret(configurationText: ""))
    #expect(WebhookSecret.signature(id: "a", timestamp: "1", body: [], secrets: []) == nil)
    #expect(WebhookSecret.problem(of: []) == nil)
    #expect(WebhookSecret.problem(of: [empty]) != nil)
  }

  @Test(
    "a secret is whsec_ and base64 of 24 to 64 bytes, padded or not",
    arguments: [
      ("whsec_\(String(repeating: "A", count: 32))", true),  // 24 bytes
      ("whsec_\(String(repeating: "A", count: 28))", false),  // 21
      ("whsec_\(String(repeating: "A", count: 31))=", false),  // 23
      ("whsec_\(String(repeating: "A", count: 86))==", true),  // 64
      ("whsec_\(String(repeating: "A", count: 86))", true),
      ("whsec_\(String(repeating: "A", count: 87))=", false),  // 65
      ("whsec_", false), ("whsec_not base64 at all, but long enough", false),
      (String(repeating: "A", count: 32), false), ("WHSEC_\(String(repeating: "A", count: 32))", false),
      ("whsec_\(String(repeating: "A", count: 32))\n", false), (" whsec_\(String(repeating: "A", count: 32))", false),
      // Of base64's URL alphabet.
      ("whsec_-_\(String(repeating: "A", count: 30))", false),
    ])
  func form(text: String, isSecret: Bool) {
    #expect((WebhookSecret(configurationText: text) != nil) == isSecret)
  }
}
