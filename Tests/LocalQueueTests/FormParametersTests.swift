import Testing

@testable import LocalQueue

@Suite("Forms of the Query protocol")
struct FormParametersTests {
  @Test(
    "mean what JSON would",
    arguments: [
      ("QueueName=a%20b+c", #"{"QueueName":"a b c"}"#),
      ("WaitTimeSeconds=20&MaxNumberOfMessages=", #"{"MaxNumberOfMessages":"","WaitTimeSeconds":20}"#),
      ("AttributeName.2=b&AttributeName.1=a&AttributeName.10=c", #"{"AttributeNames":["a","b","c"]}"#),
      ("Attribute.1.Name=DelaySeconds&Attribute.1.Value=5", #"{"Attributes":{"DelaySeconds":"5"}}"#),
      (
        "MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=Number&MessageAttribute.1.Value.StringValue=1",
        #"{"MessageAttributes":{"n":{"DataType":"Number","StringValue":"1"}}}"#
      ),
      (
        "SendMessageBatchRequestEntry.1.Id=1&SendMessageBatchRequestEntry.1.DelaySeconds=3",
        #"{"Entries":[{"DelaySeconds":3,"Id":"1"}]}"#
      ),
      ("Tag.1.Key=k&Tag.1.Value=", #"{"Tags":{"k":""}}"#),
    ])
  func translate(form: String, json: String) {
    #expect(String(decoding: FormParameters(form).json.encoded, as: UTF8.self) == json)
  }

  @Test("any text comes through, whatever its characters", arguments: ["a=b&c", "ü 世界 🎁", "100%", "%zz", "+", "\r\n"])
  func anyText(text: String) {
    let encoded = text.utf8.map { "%" + (($0 < 16 ? "0" : "") + String($0, radix: 16)) }.joined()
    #expect(FormParameters("MessageBody=\(encoded)").json == ["MessageBody": .string(text)])
  }

  @Test(
    "a form that is none is no crash", arguments: ["", "&&&", "=", "%", "%4", "a.b.c.=1&a=2", "Entry.-1=x", "...=..."])
  func garbage(form: String) {
    _ = FormParameters(form).json.encoded
  }
}
