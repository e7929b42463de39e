import WorkerKit

/// Runs a plugin's diagnosis, without creating the plugin.
struct PluginCheck {
  let plugin: any WorkerPlugin.Type
  let file: RoutesFile

  func findings() async -> [Finding] {
    guard let configuration = file.pluginConfigurations[plugin.name] else {
      return [.skipped("not tried, because plugins.\(plugin.name) is wrong")]
    }
    let routes = file.options(forRoutesOf: plugin)
    let plugin = plugin
    guard plugin is any PluginDiagnosis.Type || plugin is any RouteDiagnosis.Type else {
      return [.skipped("it has no checks of its own (PluginDiagnosis)")]
    }
    do {
      return try await within(.seconds(30)) {
        var findings = await (plugin as? any PluginDiagnosis.Type)?.diagnose(configuration) ?? []
        findings += await (plugin as? any RouteDiagnosis.Type)?.diagnose(routes) ?? []
        return findings
      }
    } catch {
      return [.wrong("its checks gave no answer within 30 s; check what it depends on")]
    }
  }
}
