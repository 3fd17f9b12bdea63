#pragma once

#include <string>

#include "lathe/sandbox/host_facts.h"

namespace lathe::apps {

/// What this machine gives for confinement, from the cache when it was asked before in the same circumstances, else by
/// trying (about 5 ms). `cache_dir`: empty keeps nothing. Blocking.
[[nodiscard]] sandbox::HostFacts known_host_facts(const std::string& cache_dir);

}  // namespace lathe::apps
