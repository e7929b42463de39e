import Foundation
import Subprocess
import Testing
import WorkerKit

@testable import ProcessPlugin

@Suite("The program of a route")
struct ProgramTests {
  private func options(_ change: (inout ConfigurationValues) -> Void = { _ in }) -> ProcessOptions {
    var values = ConfigurationValues()
    values[ProcessOptions.Keys.command] = ["sh", "-c", "hush"]
    change(&values)
    return ProcessOptions(values)
  }

  private func problem(_ options: ProcessOptions) -> ConfigurationValueError.Problem? {
    #expect(throws: ConfigurationValueError.self) {
      try Program(options, workerEnvironment: ["PATH": "/usr/bin:/bin"])
    }?.problems[0]
  }

  @Test("it is found in the worker's PATH, and named without its arguments")
  func path() throws {
    #expect(try Program(options(), workerEnvironment: ["PATH": "/nowhere:/usr/bin:/bin"]).name == "sh")
  }

  @Test("a script that it runs is part of its name")
  func script() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("program-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data().write(to: folder.appendingPathComponent("raffle.sh"))
    let program = try Program(
      options {
        $0[ProcessOptions.Keys.command] = ["sh", "-e", "raffle.sh", "secret"]
        $0[ProcessOptions.Keys.directory] = folder.path
      }, workerEnvironment: ["PATH": "/bin"])
    #expect(program.name == "sh raffle.sh")
  }

  @Test("what is not there is an error at the option that names it")
  func missing() {
    let program = problem(options { $0[ProcessOptions.Keys.command] = ["no-such-program"] })
    #expect(program?.path == [.value(of: "command")])
    #expect(
      program?.message.contains("begins with no-such-program, which is in no directory of the worker's PATH") == true)
    #expect(problem(options { $0[ProcessOptions.Keys.command] = ["./none"] })?.path == [.value(of: "command")])
    #expect(problem(options { $0[ProcessOptions.Keys.directory] = "/no/such" })?.path == [.value(of: "directory")])
    let variable = problem(options { $0[ProcessOptions.Keys.environment] = ["DB_URL"] })
    #expect(variable?.path == [.value(of: "environment")])
    #expect(variable?.message.contains("DB_URL") == true)
  }

  @Test(
    "an exit code says how an event went",
    arguments: [
      (0, nil), (65, .validation), (69, .unavailable), (75, .unavailable), (77, .badRequest), (78, .badRequest),
      (1, .unexpected), (2, .unexpected), (64, .unexpected), (127, .unexpected),
    ] as [(Int32, ErrorKind?)])
  func exitCodes(code: Int32, kind: ErrorKind?) {
    #expect(TerminationStatus.exited(code).failure(of: "sh")?.kind == kind)
  }

  @Test("and so does a signal")
  func signal() {
    #expect(
      TerminationStatus.signaled(9).failure(of: "sh")?.message == "sh did not handle the event: signal 9 ended it")
  }
}
