#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lathe::keeper {

/// Where something is mounted that can be written to, from the text of /proc/self/mountinfo; without the kernel's own
/// (/proc, /sys) and /dev, whose files are memory.
[[nodiscard]] std::vector<std::string> writable_mounts(std::string_view mountinfo);

}  // namespace lathe::keeper
