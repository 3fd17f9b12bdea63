#include "lathe/sandbox/real_path.h"

#include <sys/stat.h>

#include <cstdlib>

namespace lathe::sandbox {

std::string real_path(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return {};
  std::string out = resolved;
  std::free(resolved);
  return out;
}

std::string real_folder(const std::string& path) {
  std::string real = real_path(path);
  struct stat status{};
  return !real.empty() && stat(real.c_str(), &status) == 0 && S_ISDIR(status.st_mode) ? real : std::string();
}

}  // namespace lathe::sandbox
