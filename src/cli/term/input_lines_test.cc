#include "lathe/cli/term/input_lines.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "lathe/base/unique_fd.h"

namespace lathe::cli {
namespace {

TEST(InputLines, AFileComesLineByLineAndItsLastOneNeedsNoNewline) {
  const base::UniqueFd file(::memfd_create("test", MFD_CLOEXEC));
  constexpr std::string_view kText = "one\n\nlast";
  ASSERT_EQ(::pwrite(file.get(), kText.data(), kText.size(), 0), static_cast<ssize_t>(kText.size()));
  runtime::Loop loop;
  InputLines lines(loop, file.get());
  for (const std::string_view expected : {"one", "", "last"}) {
    const auto line = loop.block_on(lines.next({}));
    ASSERT_TRUE(line.ok());
    EXPECT_EQ(*line, expected);
  }
  EXPECT_EQ(loop.block_on(lines.next({})).error().code, base::codes::kUnavailable);
}

TEST(InputLines, HalfALineIsWaitedForWhileTheLoopGoesOn) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const base::UniqueFd reader(ends[0]);
  const base::UniqueFd writer(ends[1]);
  ASSERT_EQ(::write(writer.get(), "hal", 3), 3);
  runtime::Loop loop;
  InputLines lines(loop, reader.get());
  runtime::CancelSource impatient;
  const runtime::Timer timer =
      loop.call_after(base::Millis(1), [&] { impatient.cancel(runtime::cancelled_error("no more waiting")); });
  EXPECT_EQ(loop.block_on(lines.next(impatient.token())).error().code, base::codes::kCancelled);
  ASSERT_EQ(::write(writer.get(), "f\n", 2), 2);
  EXPECT_EQ(loop.block_on(lines.next({})).value_or(""), "half");
}

}  // namespace
}  // namespace lathe::cli
