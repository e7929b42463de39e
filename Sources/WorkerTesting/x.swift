public struct WorkerTestingPlaceholder {}
