#include "lathe/chain/reference.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace lathe::chain {
namespace {

/// Behind the line "## Fields" the page is made by us; ACCEPT=1 rewrites it.
TEST(Reference, IsWhatThePageSays) {
  const std::string path = LATHE_SOURCE_DIR "/docs/reference/chains.md";
  std::ifstream file(path, std::ios::binary);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::size_t tables = page.find("## Fields\n");
  ASSERT_NE(tables, std::string::npos) << path;
  const char* accept = std::getenv("ACCEPT");
  if (accept == nullptr || std::string_view(accept) != "1") {
    EXPECT_EQ(page.substr(tables), reference_tables()) << path << " differs; ACCEPT=1 rewrites it";
  } else if (page.substr(tables) != reference_tables()) {
    std::ofstream(path, std::ios::binary) << page.substr(0, tables) << reference_tables();
    GTEST_SKIP() << path << " was rewritten";
  }
}

}  // namespace
}  // namespace lathe::chain
