#include "lathe/cli/term/screen.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "lathe/base/unique_fd.h"
#include "lathe/cli/context.h"
#include "lathe/runtime/loop.h"

namespace lathe::cli {
namespace {

constexpr int kPatienceMillis = 10'000;

/// A front end whose streams are a terminal or go nowhere.
class ScreenTest : public testing::Test {
 protected:
  ScreenTest() {
    int master = -1;
    int slave = -1;
    EXPECT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
    person_ = base::UniqueFd(master);
    terminal_ = base::UniqueFd(slave);
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe(ends), 0);
    read_end_ = base::UniqueFd(ends[0]);
    elsewhere_ = base::UniqueFd(ends[1]);
    frontend_.environment.variables["TERM"] = "xterm";
    frontend_.leave_now = [this](int code) { left_with_ = code; };
  }

  /// Reads what comes until `text` is in it; whether it came.
  static bool comes(int fd, std::string_view text) {
    std::string seen;
    while (seen.find(text) == std::string::npos) {
      pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, kPatienceMillis) != 1) return false;
      char buffer[4096];
      const ssize_t count = ::read(fd, buffer, sizeof buffer);
      if (count <= 0) return false;
      seen.append(buffer, static_cast<std::size_t>(count));
    }
    return true;
  }

  runtime::Loop loop_;
  base::UniqueFd person_;
  base::UniqueFd terminal_;
  base::UniqueFd read_end_;
  base::UniqueFd elsewhere_;
  Frontend frontend_{.loop = loop_, .environment = {}};
  int left_with_ = -1;
};

TEST_F(ScreenTest, TheFooterStandsOnStdoutWhereOnlyThatIsATerminal) {
  frontend_.out_fd = terminal_.get();
  frontend_.err_fd = elsewhere_.get();
  Context context(frontend_);
  Screen screen(context);
  ASSERT_TRUE(screen.has_footer());
  screen.set_unfinished("half an answer");
  screen.draw();
  EXPECT_TRUE(comes(person_.get(), "half an answer"));
  screen.note("a remark");
  EXPECT_TRUE(comes(read_end_.get(), "a remark\n"));
}

TEST_F(ScreenTest, ThereIsNoFooterWithoutATerminal) {
  frontend_.out_fd = elsewhere_.get();
  frontend_.err_fd = elsewhere_.get();
  Context context(frontend_);
  const Screen screen(context);
  EXPECT_FALSE(screen.has_footer());
}

TEST_F(ScreenTest, WhoLeavesAtOnceLeavesNoFooter) {
  frontend_.out_fd = terminal_.get();
  frontend_.err_fd = terminal_.get();
  Context context(frontend_);
  Screen screen(context);
  screen.set_status("working");
  screen.draw();
  ASSERT_TRUE(comes(person_.get(), "working"));
  context.leave_now(kInterrupted);
  EXPECT_TRUE(comes(person_.get(), "\r\x1b[J"));
  EXPECT_EQ(left_with_, kInterrupted);
}

}  // namespace
}  // namespace lathe::cli
