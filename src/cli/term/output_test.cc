#include "lathe/cli/term/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "lathe/base/unique_fd.h"
#include "lathe/runtime/scope.h"

namespace lathe::cli {
namespace {

/// A pipe that holds one page, so that it is soon full.
class OutputTest : public testing::Test {
 protected:
  OutputTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reader_ = base::UniqueFd(ends[0]);
    writer_ = base::UniqueFd(ends[1]);
    EXPECT_EQ(::fcntl(writer_.get(), F_SETPIPE_SZ, 4096), 4096);
    EXPECT_EQ(::fcntl(reader_.get(), F_SETFL, O_NONBLOCK), 0);
  }
  void fill() {
    const std::string page(4096, 'x');
    EXPECT_EQ(::write(writer_.get(), page.data(), page.size()), 4096);
  }
  /// All that can be read now, without what filled the pipe.
  std::string read() {
    std::string text(65536, '\0');
    const ssize_t count = ::read(reader_.get(), text.data(), text.size());
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return text.substr(std::min(text.find_first_not_of('x'), text.size()));
  }

  runtime::Loop loop_;
  base::UniqueFd reader_;
  base::UniqueFd writer_;
};

TEST_F(OutputTest, ASpinnerIsDroppedAndANoticeWaits) {
  Output out(loop_, writer_.get(), "stderr");
  fill();
  out.write_if_ready("spinner 1\n");
  out.write_soon("notice\n");
  out.write_if_ready("spinner 2\n");
  EXPECT_EQ(read(), "");
  out.write_if_ready("spinner 3\n");
  EXPECT_EQ(read(), "notice\n") << "which fills the pipe's only page again";
  out.write_if_ready("spinner 4\n");
  EXPECT_EQ(read(), "spinner 4\n");
}

TEST_F(OutputTest, WhatComesWhileAFlushWaitsStandsBehindItWhole) {
  Output out(loop_, writer_.get(), "stderr");
  const std::string line(10'000, 'a');
  out.add(line + "\n");
  runtime::Scope scope(loop_);
  base::Result<void> flushed;
  const auto flush = [](Output* output, base::Result<void>* result) -> runtime::Async<void> {
    *result = co_await output->flush({});
  };
  scope.spawn(flush(&out, &flushed));
  std::string seen;
  bool told = false;
  while (!seen.ends_with("notice\n")) {
    (void)loop_.block_on(loop_.sleep(std::chrono::milliseconds(1), {}));
    if (!told) out.write_soon("notice\n");
    told = true;
    seen += read();
  }
  loop_.block_on(scope.join());
  EXPECT_TRUE(flushed.ok());
  EXPECT_EQ(seen, line + "\nnotice\n");
}

}  // namespace
}  // namespace lathe::cli
