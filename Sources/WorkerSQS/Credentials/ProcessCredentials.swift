import Foundation
import WorkerKit

/// Credentials from the output of a program: `credential_process` of a profile.
///
/// The program is started directly, without a shell.
struct ProcessCredentials: Sendable {
  static let timeLimit = Duration.seconds(60)

  let command: String
  /// The profile's name, for messages.
  let profile: String
  let context: CredentialsContext

  func credentials() async throws -> Credentials {
    let source = "credential_process of profile \(profile)"
    guard let arguments = Self.words(of: command), let program = arguments.first else {
      throw QueueError.credentials("\(source) is empty or has a quote that is not closed; correct the command")
    }
    guard let path = path(of: program) else {
      throw QueueError.credentials(
        "\(source) names the program \(program), which is not on the PATH or cannot be run; install it or write its path"
      )
    }
    let result: ChildProcess.Result
    do {
      result = try await ChildProcess.run(
        path, Array(arguments.dropFirst()), environment: context.settings.environment, limit: Self.timeLimit,
        clock: context.clock)
    } catch is ChildProcess.TimeLimitExceeded {
      throw QueueError(
        code: .credentialsUnavailable, kind: .timeout,
        message:
          "\(source) did not end within \(Int(Self.timeLimit.inSeconds))s; run it by hand to see what it waits for")
    } catch let error where !(error is CancellationError) {
      throw QueueError.credentials("\(source): \(program) cannot be run: \(error.localizedDescription)")
    }
    guard result.status == 0 else {
      let words = QueueError.excerpt(String(decoding: result.errors.prefix(1000), as: UTF8.self))
      throw QueueError(
        code: .credentialsUnavailable, kind: .unavailable,
        message: "\(source) ended with status \(result.status)"
          + (words.isEmpty ? "" : " and says: \(words.prefix(100))") + "; run it by hand to see why")
    }
    guard let document = CredentialsDocument(result.output) else {
      throw QueueError.credentials("\(source) did not print a JSON object; run it by hand and compare its answer")
    }
    guard document.version == 1 else {
      throw QueueError.credentials(
        "\(source) must print `\"Version\": 1`, but it prints \(document.version.map(String.init) ?? "none")")
    }
    return try document.credentials(from: source)
  }

  private func path(of program: String) -> String? {
    if program.contains("/") { return FileManager.default.isExecutableFile(atPath: program) ? program : nil }
    return (context.settings.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
      .map { "\($0)/\(program)" }.first(where: FileManager.default.isExecutableFile)
  }

  /// Splits a command at its spaces. Quotes preserve spaces. A backslash preserves the next character, except between
  /// single quotes. No other character is special.
  ///
  /// - Returns: nil if a quote is not closed.
  static func words(of command: String) -> [String]? {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var isEscaped = false
    for character in command {
      if isEscaped {
        // Between double quotes, a backslash preserves only a double quote or a backslash.
        let isKept = quote == "\"" && character != "\"" && character != "\\"
        word = (word ?? "") + (isKept ? "\\" : "") + String(character)
        isEscaped = false
      } else if character == "\\", quote != "'" {
        isEscaped = true
      } else if character == quote {
        quote = nil
      } else if quote == nil, character == "\"" || character == "'" {
        quote = character
        word = word ?? ""
      } else if quote == nil, character.isWhitespace {
        if let ended = word { words.append(ended) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    guard quote == nil, !isEscaped else { return nil }
    if let word { words.append(word) }
    return words
  }
}
