public struct PrizePlaceholder {}
