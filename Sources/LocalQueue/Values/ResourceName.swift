/// The ARN of a queue.
func queueArn(_ name: String, region: String, account: String) -> String {
  "arn:\(partition(of: region)):sqs:\(region):\(account):\(name)"
}

/// The partition in the ARNs of a region. China and some governments have their own partitions.
func partition(of region: String) -> String {
  let others = ["cn-": "aws-cn", "us-gov-": "aws-us-gov", "us-iso-": "aws-iso", "us-isob-": "aws-iso-b"]
  return others.first { region.hasPrefix($0.key) }?.value ?? "aws"
}
