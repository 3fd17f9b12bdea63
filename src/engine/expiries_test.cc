#include "lathe/engine/expiries.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>

#include "lathe/engine/engine_rig.h"
#include "lathe/runtime/files.h"

namespace lathe::engine {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

struct TwoClocks final : base::Clock {
  [[nodiscard]] base::UnixMillis unix_now() const override { return wall; }
  [[nodiscard]] base::MonoTime mono_now() const override { return mono; }
  base::UnixMillis wall = 1'795'000'000'000;
  base::MonoTime mono{};
};

TEST(Expiries, OnlyTimeThatPassesExpiresAQuestion) {
  TwoClocks clocks;
  Expiries expiries(clocks);
  const base::UnixMillis at = clocks.wall + 1'000;
  EXPECT_FALSE(expiries.passed("q", at));
  clocks.wall += 1'000'000;
  EXPECT_FALSE(expiries.passed("q", at)) << "the clock was set forward";
  clocks.wall -= 2'000'000;
  clocks.mono += milliseconds(1'000);
  EXPECT_TRUE(expiries.passed("q", at)) << "it was set back, and the time is over";
  EXPECT_FALSE(expiries.passed("without", std::nullopt));
  EXPECT_TRUE(expiries.passed("of another process", clocks.wall));
  expiries.forget_unless([](const std::string& question) { return question != "q"; });
  EXPECT_FALSE(expiries.passed("q", at));
}

class ExpiryTest : public EngineRig {
 protected:
  /// A Task that asks whether it may run `rm x`.
  protocol::ExecApprovalRequest ask(const std::string& timeout) {
    std::filesystem::create_directories(root_ / "policies");
    EXPECT_TRUE(runtime::replace_file((root_ / "policies/mine.yaml").string(),
                                      "rules: [{command: rm, decision: ask, timeout: " + timeout + "}]", 0600,
                                      runtime::Durability::kProcess)
                    .ok());
    close();
    seen_.clear();
    open();
    behaviour_ = ask_to_run;
    configure();
    EXPECT_TRUE(submit(input("hi")).ok());
    return std::get<protocol::ExecApprovalRequest>(until("exec_approval_request").back().msg);
  }
  std::string said() { return std::get<protocol::TaskComplete>(until("task_complete").back().msg).last_agent_message; }
};

TEST_F(ExpiryTest, AClockThatIsSetForwardTakesNobodyTheTimeToAnswer) {
  const auto asked = ask("1h");
  loop_.set_wall_clock_ahead(hours(2));
  const auto answered = submit(protocol::Approval{.id = asked.id, .decision = protocol::Decision::kApproved});
  ASSERT_TRUE(answered.ok()) << answered.error().text();
  EXPECT_EQ(said(), "ran");
}

TEST_F(ExpiryTest, AClockThatIsSetBackKeepsNoQuestionOpen) {
  (void)ask("100ms");
  loop_.set_wall_clock_ahead(-hours(2));
  EXPECT_EQ(said(), "declined");
}

TEST_F(ExpiryTest, AClockThatIsSetTakesATaskNothingOfItsTime) {
  behaviour_ = [this](ports::TaskHost* host, ports::TaskRequest request, CancelToken cancel) {
    loop_.set_wall_clock_ahead(hours(2));
    return ask_to_run(host, std::move(request), cancel);
  };
  const std::string session =
      configure({.approval_policy = protocol::ApprovalPolicy::kUntrusted, .ask = protocol::AskMode::kWait});
  ASSERT_TRUE(submit(input("hi")).ok());
  until("task_parked");
  EXPECT_LT(engine_->find_live(session)->state().task->active_ms, 3'600'000);
}

}  // namespace
}  // namespace lathe::engine
