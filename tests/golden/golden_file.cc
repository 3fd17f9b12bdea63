#include "golden_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace lathe::golden {
namespace {

std::string full(const std::string& path) { return std::string(LATHE_SOURCE_DIR) + "/" + path; }

}  // namespace

bool accepting() {
  const char* accept = std::getenv("ACCEPT");
  return accept != nullptr && std::string_view(accept) == "1";
}

bool file_exists(const std::string& path) { return std::filesystem::exists(full(path)); }

std::string read_file(const std::string& path) {
  std::ifstream file(full(path), std::ios::binary);
  if (!file) {
    ADD_FAILURE() << path << " is missing; ACCEPT=1 writes it";
    return "";
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

void expect_file(const std::string& path, std::string_view text) {
  if (!accepting()) {
    EXPECT_EQ(read_file(path), text) << path << " differs; ACCEPT=1 rewrites it";
    return;
  }
  if (file_exists(path) && read_file(path) == text) return;
  std::filesystem::create_directories(std::filesystem::path(full(path)).parent_path());
  std::ofstream(full(path), std::ios::binary) << text;
  GTEST_SKIP() << path << " was rewritten";
}

}  // namespace lathe::golden
