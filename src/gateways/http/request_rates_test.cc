#include "lathe/gateways/http/request_rates.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace lathe::gateways::http {
namespace {

TEST(RequestRates, EachPeerHasItsOwnAndGetsItBackWithTime) {
  RequestRates rates({.burst = 3, .per_second = 2}, {.burst = 1, .per_second = 1});
  const base::MonoTime start = base::MonoTime() + std::chrono::hours(1);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rates.take("a", start).ok());
  const auto refused = rates.take("a", start);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::codes::kLimit);
  EXPECT_TRUE(refused.error().retryable);
  EXPECT_TRUE(rates.take("b", start).ok());
  EXPECT_TRUE(rates.take_stranger(start).ok());
  EXPECT_FALSE(rates.take_stranger(start).ok());
  EXPECT_TRUE(rates.take("b", start).ok()) << "strangers take nothing from others";
  EXPECT_FALSE(rates.take("a", start + std::chrono::milliseconds(100)).ok());
  EXPECT_TRUE(rates.take("a", start + std::chrono::milliseconds(600)).ok());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rates.take("a", start + std::chrono::hours(1)).ok());
  EXPECT_FALSE(rates.take("a", start + std::chrono::hours(1)).ok()) << "no more than the burst";
}

TEST(RequestRates, ManyTokensGiveNobodyAFreshBurst) {
  RequestRates rates({.burst = 2, .per_second = 0.001}, {.burst = 1, .per_second = 1});
  const base::MonoTime start = base::MonoTime() + std::chrono::hours(1);
  const auto name = [](int number) { return "token " + std::to_string(number); };
  const auto at = [&](int number) { return start + std::chrono::milliseconds(number); };
  for (int i = 0; i < 1'000; ++i) {
    for (int times = 0; times < 2; ++times) EXPECT_TRUE(rates.take(name(i), at(i)).ok());
  }
  EXPECT_TRUE(rates.take("one more", at(1'000)).ok());
  for (int i = 1; i < 1'000; ++i) EXPECT_FALSE(rates.take(name(i), at(1'001)).ok()) << i;
}

}  // namespace
}  // namespace lathe::gateways::http
