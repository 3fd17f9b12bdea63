#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lathe/base/unique_fd.h"
#include "lathe/cli/fake_transport.h"
#include "lathe/cli/main.h"

// What tests of whole command lines share: a front end over an engine that plays a script, and a person at a terminal.

namespace lathe::cli {

namespace p = lathe::protocol;

/// How a command line ended.
struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

class CommandTest : public testing::Test {
 protected:
  CommandTest() {
    frontend_.open = [this](client::OpenOptions options) { return open(std::move(options)); };
    frontend_.leave_now = [this](int code) { left_with_ = code; };
    frontend_.tty_path = "/nonexistent/tty";
    frontend_.version = "1.2.3";
    give_stdin("");
  }

  runtime::Async<base::Result<std::unique_ptr<client::Transport>>> open(client::OpenOptions options) {
    opened_ = std::move(options);
    co_return std::unique_ptr<client::Transport>(std::make_unique<FakeTransport>(engine_));
  }
  void give_stdin(std::string_view text) { stdin_ = memory_file(text); }

  Ran run(std::vector<std::string> args) {
    const base::UniqueFd out = memory_file("");
    const base::UniqueFd err = memory_file("");
    frontend_.in_fd = stdin_.get();
    frontend_.out_fd = out_fd_ >= 0 ? out_fd_ : out.get();
    frontend_.err_fd = err.get();
    Ran ran;
    ran.code = cli::run(args, frontend_);
    ran.out = content(out.get());
    ran.err = content(err.get());
    return ran;
  }

  /// Answers a user_input with these events.
  void script(std::vector<p::EventMsg> events) {
    engine_.on_op = [this, events](const p::Op& op) {
      if (std::holds_alternative<p::Interrupt>(op)) engine_.push_interrupted();
      if (!std::holds_alternative<p::UserInput>(op)) return;
      for (const p::EventMsg& event : events) engine_.push(event);
    };
  }

  static base::UniqueFd memory_file(std::string_view text) {
    base::UniqueFd fd(::memfd_create("test", MFD_CLOEXEC));
    EXPECT_EQ(::pwrite(fd.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    return fd;
  }
  static std::string content(int fd) {
    std::string text(1 << 20, '\0');
    text.resize(static_cast<std::size_t>(::pread(fd, text.data(), text.size(), 0)));
    return text;
  }

  runtime::Loop loop_;
  FakeEngine engine_{loop_};
  Frontend frontend_{.loop = loop_, .environment = {}};
  base::UniqueFd stdin_;
  int out_fd_ = -1;
  std::optional<client::OpenOptions> opened_;
  std::optional<int> left_with_;
};

/// The far end of a terminal: answers once it has seen some text.
class Person {
 public:
  explicit Person(std::vector<std::pair<std::string, std::string>> answers) {
    char name[128];
    EXPECT_EQ(::openpty(&master_, &slave_, name, nullptr, nullptr), 0);
    path = name;
    thread_ = std::thread([this, answers = std::move(answers)] {
      for (const auto& [wait_for, keys] : answers) {
        // Only what came after the last answer counts.
        while (seen.find(wait_for, answered_) == std::string::npos) {
          char buffer[4096];
          const ssize_t count = ::read(master_, buffer, sizeof buffer);
          if (count <= 0) return;
          seen.append(buffer, static_cast<std::size_t>(count));
        }
        answered_ = seen.size();
        EXPECT_EQ(::write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
      }
    });
  }
  ~Person() {
    thread_.join();
    ::close(master_);
    ::close(slave_);
  }
  [[nodiscard]] int terminal() const { return slave_; }
  std::string path;
  std::string seen;

 private:
  std::size_t answered_ = 0;
  int master_ = -1;
  int slave_ = -1;
  std::thread thread_;
};

}  // namespace lathe::cli
