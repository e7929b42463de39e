import ArgumentParser
import Foundation
import WorkerAdmin
import WorkerKit

struct AdminCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "admin", abstract: "What the console needs: hashes of its users' passwords.",
    subcommands: [PasswordCommand.self])
}

private struct PasswordCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "password",
    abstract: "Hash a password for admin.users in routes.yaml.",
    discussion: """
      Asks for the password twice on a terminal, and reads one line of standard input \
      elsewhere. It prints the hash alone, by scrypt:

        admin:
          users:
            ana: { role: operator, password: "scrypt:15:8:3:…" }
      """)

  private static let shortest = 8

  func run() async throws {
    let password = isatty(STDIN_FILENO) == 1 ? try ask() : readLine(strippingNewline: true) ?? ""
    guard password.count >= Self.shortest else {
      throw CommandError("the password must have \(Self.shortest) characters or more")
    }
    guard let hash = PasswordHash(of: password) else {
      throw CommandError("libcrypto has no scrypt here; it is left out where FIPS is enforced")
    }
    try show(hash.text)
  }

  private func ask() throws -> String {
    let first = try prompt("Password: ")
    guard try prompt("Again: ") == first else { throw CommandError("the two are not the same") }
    return first
  }

  /// Without showing what is typed.
  private func prompt(_ text: String) throws -> String {
    guard let typed = getpass(text) else { throw CommandError("no password was given") }
    defer { memset(typed, 0, strlen(typed)) }
    return String(cString: typed)
  }
}
