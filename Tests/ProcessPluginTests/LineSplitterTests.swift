import Testing

@testable import ProcessPlugin

@Suite("Lines of what a process writes")
struct LineSplitterTests {
  private func lines(_ chunks: [String], limit: Int = LineSplitter.limit) -> [LineSplitter.Line] {
    var splitter = LineSplitter(limit: limit)
    var lines = chunks.flatMap { chunk in Array(chunk.utf8).withUnsafeBytes { splitter.add($0) } }
    if let last = splitter.finish() { lines.append(last) }
    return lines
  }

  @Test(
    "they end at line breaks, wherever the pieces end",
    arguments: [
      (["a\nb\n"], ["a", "b"]), (["a", "\n", "b"], ["a", "b"]), (["a\r\nb\r", "\n"], ["a", "b"]), (["\n\n"], ["", ""]),
      ([], []), (["a\u{2028}b\n"], ["a\u{2028}b"]),
    ] as [([String], [String])])
  func split(chunks: [String], expected: [String]) {
    #expect(lines(chunks).map(\.text) == expected)
  }

  @Test("of a long one the start is kept")
  func cut() {
    let found = lines(["1234", "5678\nab\n", "123456"], limit: 5)
    #expect(found.map(\.text) == ["12345", "ab", "12345"])
    #expect(found.map(\.isCut) == [true, false, true])
    #expect(lines(["12345\n"], limit: 5).map(\.isCut) == [false])
  }
}
