import TestSupport
import Testing
import WorkerKit

@testable import WorkerSQS

@Suite("Reading a batch's answer")
struct BatchResultTests {
  private func codes(_ json: String, count: Int = 3) throws -> [String?] {
    try BatchResult(Array(json.utf8), count: count).outcomes.map { outcome in
      switch outcome {
      case .success(let success): success.messageID
      case .failure(let failure): failure.code
      case nil: nil
      }
    }
  }

  @Test(
    "entries are known by their ids alone",
    arguments: [
      (#"{}"#, [nil, nil, nil]), (#"{"Failed":null,"Successful":null}"#, [nil, nil, nil]),
      (#"{"Successful":[{"Id":"2","MessageId":"m2"},{"Id":"0"}],"Other":[{"Id":"1"}]}"#, ["", nil, "m2"]),
      (#"{"Successful":[{"Id":"3"},{"Id":"-1"},{"Id":"+1"},{"Id":"01"},{"Id":""},{"Id":"x"}]}"#, [nil, nil, nil]),
      (#"{"Successful":[{"Id":"1","MessageId":"a"},{"Id":"1","MessageId":"b"}]}"#, [nil, "a", nil]),
      (#"{"Successful":[{"Id":"1"}],"Failed":[{"Id":"1","Code":"a"},{"Id":"1","Code":"b"}]}"#, [nil, "a", nil]),
      (
        #"{"Successful":[{"Id":"0"}],"Failed":[{"Id":"1","Code":"a"}],"Successful":[{"Id":"2","Id":"1"}],"Failed":null}"#,
        [nil, "", nil]
      ),
      (
        #"{"Failed":[{"Id":"1","Code":"a","SenderFault":true,"Message":null}],"Successful":[{"Id":"1"}]}"#,
        [nil, "a", nil]
      ),
    ] as [(String, [String?])])
  func entries(json: String, expected: [String?]) throws {
    #expect(try codes(json) == expected)
  }

  @Test("a failure without words has its code for them")
  func words() throws {
    let json = #"{"Failed":[{"Id":"0","Code":"a"},{"Id":"1","Code":"b","Message":"gone"}]}"#
    let messages = try BatchResult(Array(json.utf8), count: 2).outcomes.map { outcome in
      if case .failure(let failure) = outcome { failure.message } else { "" }
    }
    #expect(messages == ["a", "gone"])
  }

  @Test(
    "what is not SQS's is refused",
    arguments: [
      "", "<html>", "[]", "null", #"{"Failed":5}"#, #"{"Failed":nul}"#, #"{"Failed":[5]}"#, #"{"Failed":[{"Id":"0"}]}"#,
      #"{"Successful":[{"MessageId":"m"}]}"#, #"{"Successful":[{"Id":{}}]}"#, #"{"Successful":[]}{}"#,
    ])
  func refused(json: String) {
    #expect(throws: JSONReader.SyntaxError.self) { _ = try codes(json) }
  }
}
