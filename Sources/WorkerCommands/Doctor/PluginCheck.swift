import WorkerKit

/// What a plugin says of itself before it is made.
struct PluginCheck {
  let plugin: any Plugin.Type
  let file: RoutesFile

  func findings() async -> [Finding] {
    guard let configuration = file.pluginConfigurations[plugin.name] else {
      return [.skipped("not tried, because plugins.\(plugin.name) is wrong")]
    }
    guard let plugin = plugin as? any PluginDiagnosis.Type else {
      return [.skipped("it has no checks of its own (PluginDiagnosis)")]
    }
    do {
      return try await within(.seconds(10)) { await plugin.diagnose(configuration) }
    } catch {
      return [.wrong("its checks gave no answer within 10 s; see what it depends on")]
    }
  }
}
