import Foundation
import Testing
import WorkerKit
import WorkerTesting

@testable import WorkerSQS

@Suite("Credentials of a program", .timeLimit(.minutes(20)))
struct ProcessCredentialsTests {
  let harness: CredentialsHarness

  init() throws {
    harness = try CredentialsHarness()
  }

  /// A chain whose default profile has a shell run a script of the test's.
  func chain(_ script: String, arguments: String = "") throws -> CredentialsChain {
    // The script itself could not be run while a process that another test has begun meanwhile has it open for writing.
    let path = try harness.write("\(script)\n", to: "the script")
    try harness.write("[default]\ncredential_process = /bin/sh \"\(path)\" \(arguments)\n", to: ".aws/config")
    return harness.chain()
  }

  @Test("what it prints is used; its arguments come as they are quoted, through no shell")
  func prints() async throws {
    let chain = try chain(
      """
      [ "$1" = 'two words' ] && [ "$2" = '$HOME;*' ] || exit 9
      echo '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "hush", "SessionToken": "token",'
      echo ' "Expiration": "\(harness.time(in: 3600))"}'
      """,
      arguments: "'two words' \"$HOME;*\"")
    let found = try await chain.credentials()
    #expect(
      found
        == Credentials(
          accessKeyID: "A", secretAccessKey: "hush", sessionToken: "token",
          expiration: harness.now.addingTimeInterval(3600)))
  }

  @Test("a worker with thousands of open files runs the program")
  func manyOpenFiles() async throws {
    // All suites share what the process may open: where that is little, they keep it.
    let count = min(2_500, sysconf(Int32(_SC_OPEN_MAX)) - 2_000)
    let files = (0..<max(0, count)).map { _ in open("/dev/null", O_RDONLY | O_CLOEXEC) }
    defer { for file in files where file >= 0 { close(file) } }
    let chain = try chain(#"echo '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "hush"}'"#)
    #expect(try await chain.credentials().accessKeyID == "A")
  }

  @Test("without an expiration they are kept")
  func lasting() async throws {
    let chain = try chain(#"echo '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "hush"}'"#)
    #expect(try await chain.credentials().expiration == nil)
  }

  @Test(
    "what is wrong with it is said, and no more than a hint of what it complains of",
    arguments: [
      (
        "echo \"no network today $(printf %200s | tr ' ' x) tail\" >&2; exit 3",
        "ended with status 3 and says: no network"
      ),
      ("echo nonsense hush", "did not print a JSON object"),
      (#"echo '{"Version": 2, "AccessKeyId": "A", "SecretAccessKey": "hush"}'"#, "must print `\"Version\": 1`"),
      (#"echo '{"Version": 1, "SecretAccessKey": "hush"}'"#, "has no AccessKeyId"),
      (
        #"echo '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "hush", "Expiration": "soon"}'"#,
        "expire as `soon`"
      ),
    ])
  func failures(script: String, expected: String) async throws {
    let error = try await chain(script).error()
    #expect(error.message.contains(expected), "\(error.message)")
    #expect(!error.message.contains("hush") && !error.message.contains("tail"))
  }

  @Test("one that does not end is killed after a minute")
  func timeLimit() async throws {
    let chain = try chain("sleep 3600")
    async let error = chain.error()
    try await harness.clock.untilSleeping(for: .seconds(60))
    harness.clock.advance(by: .seconds(60))
    #expect(try await error.message.contains("did not end within 60s"))
  }

  @Test("a program that is not there is named")
  func missing() async throws {
    try harness.write("[default]\ncredential_process = no-such-program --x\n", to: ".aws/config")
    #expect(try await harness.chain().error().message.contains("no-such-program, which is not on the PATH"))
  }

  @Test(
    "dates come in several forms",
    arguments: [
      "2027-01-15T08:00:00Z", "2027-01-15T08:00:00.000Z", "2027-01-15T08:00:00+00:00", "2027-01-15T10:00:00+02:00",
      "2027-01-15T08:00:00UTC", "2027-01-15T08:00:00.000000+00:00",
    ])
  func dates(text: String) throws {
    #expect(try CredentialsDocument.date(text, from: "the test") == harness.now)
  }

  @Test(
    "a command is split as the SDKs do",
    arguments: [
      ("a  b\tc", ["a", "b", "c"]), (#""/opt/my tool/x" --a="b c""#, ["/opt/my tool/x", "--a=b c"]),
      (#"a 'b "c" \d' e\ f"#, ["a", #"b "c" \d"#, "e f"]), (#"a "b \"c\" \d" """#, ["a", #"b "c" \d"#, ""]),
      (#"a "b"#, nil), (#"a 'b"#, nil), (#"a \"#, nil), ("", []),
    ] as [(String, [String]?)])
  func words(command: String, expected: [String]?) {
    #expect(ProcessCredentials.words(of: command) == expected)
  }
}
