#include "lathe/agent/retry.h"

#include <gtest/gtest.h>

namespace lathe::agent {
namespace {

using std::chrono::milliseconds;

ports::ModelFailure failed(ports::RetryClass retry, std::optional<milliseconds> after = std::nullopt) {
  return {.error = {.code = "x", .message = "x"}, .retry = retry, .retry_after = after};
}

struct Clocked {
  base::SeededRandom random{7};
  base::MonoTime now{};
  Retries retries{random};
  std::optional<Retries::Again> after(const ports::ModelFailure& failure) {
    auto again = retries.after(failure, now);
    if (again) now += again->wait;
    return again;
  }
};

int count(ports::RetryClass retry) {
  Clocked clocked;
  int retries = 0;
  while (auto again = clocked.after(failed(retry))) {
    EXPECT_EQ(again->attempt, ++retries);
    EXPECT_LT(retries, 100);
  }
  return retries;
}

TEST(Retries, EachKindHasItsOwnCount) {
  EXPECT_EQ(count(ports::RetryClass::kConnect), 2);
  EXPECT_EQ(count(ports::RetryClass::kRequest), 4);
  EXPECT_EQ(count(ports::RetryClass::kStream), 5);
  EXPECT_EQ(count(ports::RetryClass::kNever), 0);
}

TEST(Retries, WaitsDoubleWithinTenPercent) {
  Clocked clocked;
  for (const std::int64_t expected : {200, 400, 800, 1600, 3200}) {
    const auto again = clocked.after(failed(ports::RetryClass::kStream));
    ASSERT_TRUE(again);
    EXPECT_GE(again->wait.count(), expected * 9 / 10);
    EXPECT_LE(again->wait.count(), expected * 11 / 10);
    EXPECT_EQ(again->of, 5);
  }
}

TEST(Retries, AServerMayAskForAMinuteButNotMore) {
  Clocked clocked;
  EXPECT_EQ(clocked.after(failed(ports::RetryClass::kRequest, milliseconds(60'000)))->wait, milliseconds(60'000));
  EXPECT_FALSE(clocked.after(failed(ports::RetryClass::kRequest, milliseconds(60'001))));
}

TEST(Retries, NoConnectionIsGivenUpFiveSecondsAfterTheFirstFailure) {
  Clocked clocked;
  EXPECT_TRUE(clocked.after(failed(ports::RetryClass::kConnect)));
  clocked.now += milliseconds(4'900);
  EXPECT_FALSE(clocked.after(failed(ports::RetryClass::kConnect)));
  EXPECT_TRUE(clocked.after(failed(ports::RetryClass::kStream)));
}

TEST(Retries, AConnectionThatFailedForAnotherQuestionJustBeforeWasTheFirstAttempt) {
  Clocked clocked;
  clocked.retries.unreachable_before(clocked.now, clocked.now + milliseconds(100));
  EXPECT_EQ(clocked.after(failed(ports::RetryClass::kConnect))->attempt, 2);
  EXPECT_FALSE(clocked.after(failed(ports::RetryClass::kConnect)));

  Clocked later;
  later.retries.unreachable_before(later.now, later.now + milliseconds(60'000));
  EXPECT_EQ(later.after(failed(ports::RetryClass::kConnect))->attempt, 1);
}

TEST(Retries, AConnectionThatWasThereBeginsTheFiveSecondsAnew) {
  Clocked clocked;
  for (int cut = 0; cut < 3; ++cut) {
    clocked.now += milliseconds(60'000);
    EXPECT_TRUE(clocked.after(failed(ports::RetryClass::kStream)));
    EXPECT_EQ(clocked.after(failed(ports::RetryClass::kConnect))->attempt, 1);
    EXPECT_EQ(clocked.after(failed(ports::RetryClass::kConnect))->attempt, 2);
    EXPECT_FALSE(clocked.after(failed(ports::RetryClass::kConnect)));
  }
}

}  // namespace
}  // namespace lathe::agent
