import Foundation
import HotPieces
import WorkerKit

// Runs one piece so often, and nothing beside it, for whoever counts the instructions of the process:
// `CountedPieces NAME TIMES FOLDER`. Without arguments it lists the pieces.

let arguments = CommandLine.arguments.dropFirst()
if arguments.isEmpty {
  for piece in HotPiece.all { print("\(piece.name)\t\(piece.summary)") }
  exit(EXIT_SUCCESS)
}
guard arguments.count == 3, let times = Int(arguments[2]),
  let piece = HotPiece.all.first(where: { $0.name == arguments[1] })
else {
  FileHandle.standardError.write(Data("usage: CountedPieces NAME TIMES FOLDER; without arguments, the names\n".utf8))
  exit(EX_USAGE)
}
try piece.runBlocking(times: times, in: HotPiece.Surroundings(folder: arguments[3], clock: .standing))
