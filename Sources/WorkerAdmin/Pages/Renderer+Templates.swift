extension Renderer {
  /// By the names that other templates call them by.
  static let templates: [(name: String, text: [UInt8])] = [
    ("layout", PackageResources.layout_mustache), ("login", PackageResources.login_mustache),
    ("problem", PackageResources.problem_mustache), ("overview", PackageResources.overview_mustache),
    ("overview-live", PackageResources.overview_live_mustache), ("flow", PackageResources.flow_mustache),
    ("flow-rows", PackageResources.flow_rows_mustache), ("routes", PackageResources.routes_mustache),
    ("routes-rows", PackageResources.routes_rows_mustache), ("audit", PackageResources.audit_mustache),
    ("plugin", PackageResources.plugin_mustache), ("dead-letters", PackageResources.dead_letters_mustache),
    ("dead-letter", PackageResources.dead_letter_mustache), ("plan", PackageResources.plan_mustache),
    ("jobs", PackageResources.jobs_mustache), ("job", PackageResources.job_mustache),
    ("job-live", PackageResources.job_live_mustache), ("discarded", PackageResources.discarded_mustache),
  ]
}
