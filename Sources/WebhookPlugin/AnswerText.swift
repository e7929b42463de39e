import Foundation
import WorkerHTTP
import WorkerKit

/// What an answer says about a failure, for a dead letter.
enum AnswerText {
  /// The most that a dead letter shows, in bytes.
  static let limit = 4096
  /// The most of an answer that is read, in bytes. A problem document can be larger than what is shown of it.
  static let bodyLimit = 65_536

  /// RFC 9457's title and detail where the answer is a problem document, else its text; nil where it says nothing.
  ///
  /// - Parameter secrets: Of the request. Some servers answer with what they were sent.
  static func text(of response: HTTPClientResponse, hiding secrets: [String]) -> String? {
    let body = response.body.prefix(bodyLimit)
    let text = cleaned(problem(in: response) ?? String(decoding: body, as: UTF8.self))
    // Hidden before the text is cut: a part of a secret is one, too.
    let shown = cut(hiding(secrets, in: text, isCut: body.count == bodyLimit))
    return shown.isEmpty ? nil : shown
  }

  private static func cut(_ text: String) -> String {
    guard text.utf8.count > limit else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: limit)
    while end.samePosition(in: text.unicodeScalars) == nil { text.utf8.formIndex(before: &end) }
    return String(text[..<end])
  }

  private struct Problem: Decodable {
    var title: String?
    var detail: String?
  }

  private static func problem(in response: HTTPClientResponse) -> String? {
    let type = response[header: "Content-Type"]?.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces)
    guard type?.lowercased() == "application/problem+json",
      let problem = try? JSONDecoder().decode(Problem.self, from: Data(response.body))
    else { return nil }
    let parts = [problem.title, problem.detail].compactMap(\.self).filter { !$0.isEmpty }
    return parts.isEmpty ? nil : parts.joined(separator: ": ")
  }

  /// On one line, without control characters and marks that turn the direction of writing.
  static func cleaned(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if scalar.properties.isWhitespace {
        if let last = result.last, last != " " { result.append(" ") }
      } else if !TerminalText.isUnprintable(scalar) {
        result.append(scalar)
      }
    }
    return String(result).trimmingCharacters(in: .whitespaces)
  }

  /// The shortest text that is a secret, in bytes.
  private static let shortestSecret = 4

  /// - Parameter isCut: Whether the text's end can be the beginning of a secret.
  private static func hiding(_ secrets: [String], in text: String, isCut: Bool) -> String {
    // The longest first: one can be a part of another.
    let secrets = secrets.filter { $0.utf8.count >= shortestSecret }.sorted { $0.utf8.count > $1.utf8.count }
    let hidden = secrets.reduce(text) { $0.replacing($1, with: "…") }
    guard isCut else { return hidden }
    let beginnings = secrets.compactMap { secret in
      (shortestSecret..<secret.utf8.count).last {
        hidden.utf8.reversed().starts(with: secret.utf8.prefix($0).reversed())
      }
    }
    guard let longest = beginnings.max() else { return hidden }
    return String(decoding: hidden.utf8.dropLast(longest), as: UTF8.self) + "…"
  }
}
