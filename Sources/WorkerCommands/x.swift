public struct WorkerCommandsPlaceholder {}
