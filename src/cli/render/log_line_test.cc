#include "lathe/cli/render/log_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::cli {
namespace {

TEST(LogLine, ReadsAsASentenceWithItsIds) {
  const std::string text =
      log_line_text(R"({"ts":1795000000000,"level":"warning","pid":7,"msg":"task failed","code":"timeout","turns":2})");
  EXPECT_THAT(text, testing::StartsWith("2026-11-"));
  EXPECT_THAT(text, testing::EndsWith("  warning  7  task failed  code=timeout  turns=2\n"));
}

TEST(LogLine, LeavesWhatIsNoneAlone) {
  EXPECT_EQ(log_line_text("==1==ERROR: \x1b[31mbad"), "==1==ERROR: \\x1b[31mbad\n");
}

}  // namespace
}  // namespace lathe::cli
