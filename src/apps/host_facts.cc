#include "lathe/apps/host_facts.h"

#include "lathe/runtime/files.h"

namespace lathe::apps {

namespace {

constexpr std::size_t kMostBytes = 4096;

}  // namespace

sandbox::HostFacts known_host_facts(const std::string& cache_dir) {
  const std::string key = sandbox::host_facts_key() + "\n";
  const std::string path = cache_dir + "/host-facts";
  if (!cache_dir.empty()) {
    const auto kept = runtime::read_file(path, kMostBytes);
    if (kept.ok() && kept->starts_with(key)) {
      if (const auto facts = sandbox::HostFacts::decode(std::string_view(*kept).substr(key.size()))) return *facts;
    }
  }
  const sandbox::HostFacts facts = sandbox::detect_host_facts();
  // A cache that cannot be written costs the next start the same again.
  if (facts.certain && !cache_dir.empty() && runtime::make_folders(cache_dir).ok()) {
    (void)runtime::replace_file(path, key + facts.encode(), 0600, runtime::Durability::kProcess).ok();
  }
  return facts;
}

}  // namespace lathe::apps
