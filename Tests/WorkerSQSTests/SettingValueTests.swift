import Foundation
import HTTPTestSupport
import Testing
import WorkerKit

@testable import WorkerSQS

@Suite("Values from environments, files and services", .timeLimit(.minutes(20)))
struct SettingValueTests {
  /// What would end a line of HTTP, or hide something on a terminal.
  static let breaks = ["\n", "\r\nX-Injected: yes", "\0", "\u{1B}[2K", "\u{2028}", "\u{85}"]

  let harness: CredentialsHarness

  init() throws {
    harness = try CredentialsHarness()
  }

  @Test("white space and a byte order mark at the ends are not meant")
  func trimmed() throws {
    for text in ["value", " value", "value\n", "\r\n value \t\r\n", "\u{FEFF}value\n", "value\u{A0}"] {
      #expect(try text.settingValue(from: "here") == "value")
    }
    for text in ["", " ", "\n", "\u{FEFF}\r\n"] { #expect(try text.settingValue(from: "here") == nil) }
    for text in ["a b", "a\tb", "👨‍👩‍👧"] { #expect(try text.settingValue(from: "here") == text) }
  }

  @Test(
    "keys of the environment are trimmed; with a line break inside, the variable is named and the value is not shown",
    arguments: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
  func environment(variable: String) async throws {
    var environment = ["AWS_ACCESS_KEY_ID": "AKID\n", "AWS_SECRET_ACCESS_KEY": " hush\r\n", "AWS_SESSION_TOKEN": "t\n"]
    #expect(
      try await harness.chain(environment).credentials()
        == Credentials(accessKeyID: "AKID", secretAccessKey: "hush", sessionToken: "t"))
    for text in Self.breaks {
      environment[variable] = "s3cret\(text)s3cret"
      let error = try await harness.chain(environment).error()
      #expect(error.code == .noCredentials)
      #expect(error.message.hasPrefix("\(variable) holds a line break or another control character;"))
      #expect(!error.message.contains("s3cret"))
    }
  }

  @Test("a profile's keys: the key, the profile and the file are named", arguments: ["credentials", "config"])
  func profile(file: String) async throws {
    let path = try harness.write(
      """
      [default]
      aws_access_key_id = AKID
      aws_secret_access_key = s3cret\u{1B}[2Ks3cret
      """, to: ".aws/\(file)")
    let error = try await harness.chain().error()
    #expect(error.message.hasPrefix("aws_secret_access_key of profile default in \(path) holds a line break"))
    #expect(!error.message.contains("s3cret"))
  }

  private static func document(_ values: [String: String]) throws -> String {
    let standard = ["AccessKeyId": "AKID", "SecretAccessKey": "hush", "Token": "token", "SessionToken": "token"]
    return String(decoding: try JSONEncoder().encode(standard.merging(values) { $1 }), as: UTF8.self)
  }

  @Test(
    "what a container's endpoint hands out: the part and the endpoint are named",
    arguments: ["AccessKeyId", "SecretAccessKey", "Token"])
  func container(part: String) async throws {
    let server = try ScriptedServer()
    let environment = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "t\n"]
    for text in Self.breaks {
      try await server.answer(.init(body: try Self.document([part: "s3cret\(text)s3cret"])))
      let error = try await harness.chain(environment).error()
      let name = part == "Token" ? "SessionToken" : part
      #expect(
        error.message.hasPrefix("the \(name) of the container's endpoint 127.0.0.1:\(server.port) holds a line break"))
      #expect(!error.message.contains("s3cret"))
      #expect(try await server.nextRequest().headers["Authorization"] == "t")
    }
    try await server.answer(.init(body: try Self.document([part: "value\n"])))
    let found = try await harness.chain(environment).credentials()
    #expect([found.accessKeyID, found.secretAccessKey, found.sessionToken].contains("value"))
  }

  @Test("what a program prints and what STS answers, likewise")
  func others() async throws {
    let answer = try harness.write(
      #"{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "s3cret\nX-Injected: yes"}"#, to: "answer.json")
    try harness.write("[default]\ncredential_process = cat \(answer)\n", to: ".aws/config")
    let printed = try await harness.chain().error()
    #expect(
      printed.message.hasPrefix("the SecretAccessKey of credential_process of profile default holds a line break"))

    let server = try ScriptedServer()
    let token = try harness.write("a.web.token\n", to: "token")
    let environment = [
      "AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": " arn:aws:iam::1:role/bot\n",
      "AWS_ENDPOINT_URL_STS": server.url,
    ]
    try await server.answer(stsAnswer("AKID\nX-Injected", expiration: harness.time(in: 3600)))
    let assumed = try await harness.chain(environment).error()
    #expect(assumed.message.hasPrefix("the AccessKeyId of STS (AssumeRoleWithWebIdentity of arn:aws:iam::1:role/bot)"))
    let form = formValues(try await server.nextRequest().body)
    #expect(form["WebIdentityToken"] == "a.web.token")
    #expect(form["RoleArn"] == "arn:aws:iam::1:role/bot")
  }

  @Test(
    "a token's file holds the token alone",
    arguments: ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
  func tokenFile(variable: String) async throws {
    var environment = [
      "AWS_ROLE_ARN": "arn:aws:iam::1:role/bot", "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1",
    ]
    for (contents, problem) in [("s3cret\ns3cret", "holds a line break"), ("\n", "is empty")] {
      let path = try harness.write(contents, to: "token")
      environment[variable] = path
      let error = try await harness.chain(environment).error()
      #expect(error.message.hasPrefix("the file \(path) that \(variable) names \(problem)"), "\(error)")
      #expect(!error.message.contains("s3cret"))
    }
  }

  @Test(
    "a file that is not UTF-8 is named as what it is",
    arguments: [
      (String.Encoding.utf16LittleEndian, [0xFF, 0xFE], "is UTF-16; save it as UTF-8: iconv"),
      (.utf16BigEndian, [0xFE, 0xFF], "is UTF-16; save it as UTF-8: iconv"),
      (.utf16LittleEndian, [], "is UTF-16; save it as UTF-8: iconv"),
      (.isoLatin1, [], "is not UTF-8; save it as UTF-8"),
    ] as [(String.Encoding, [UInt8], String)])
  func encoding(encoding: String.Encoding, mark: [UInt8], problem: String) async throws {
    let path = try harness.write("", to: ".aws/credentials")
    let text = "[default]\naws_access_key_id = A\naws_secret_access_key = s3cr\u{E9}t\n"
    try (Data(mark) + (try #require(text.data(using: encoding)))).write(to: URL(fileURLWithPath: path))
    let error = try await harness.chain().error()
    #expect(error.message.hasPrefix("\(path) \(problem)"), "\(error)")
  }

  @Test("a byte order mark before UTF-8 is not a part of the first line")
  func mark() async throws {
    try harness.write(
      "\u{FEFF}[default]\r\naws_access_key_id = A\r\naws_secret_access_key = s\r\n", to: ".aws/credentials")
    #expect(try await harness.chain().credentials() == Credentials(accessKeyID: "A", secretAccessKey: "s"))
  }
}
