#include "lathe/daemon/places.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace lathe::daemon {
namespace {

std::string refusal(Places& places, const std::string& peer) {
  const auto taken = places.take(peer);
  return taken.ok() ? "" : taken.error().message;
}

TEST(Places, OnePeerLeavesPlacesToTheOthers) {
  Places places({.all = 3, .per_peer = 2});
  std::optional<Places::Place> first = *places.take("process 1");
  const Places::Place second = *places.take("process 1");
  EXPECT_EQ(refusal(places, "process 1"), "process 1 has 2 connections already");
  EXPECT_EQ(places.taken(), 2U) << "one that was refused holds nothing";
  const Places::Place other = *places.take("process 2");
  EXPECT_EQ(refusal(places, "process 3"), "3 clients are connected already");
  first.reset();
  EXPECT_EQ(refusal(places, "process 1"), "");
  EXPECT_EQ(places.taken(), 2U);
}

}  // namespace
}  // namespace lathe::daemon
