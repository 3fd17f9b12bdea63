#include "lathe/cli/next_step.h"

#include <gtest/gtest.h>

#include "lathe/protocol/error_codes.h"

namespace lathe::cli {
namespace {

TEST(NextStep, EveryCodeHasOneExceptWhereThePersonEndedIt) {
  for (const protocol::ErrorCode& code : protocol::kErrorCodes) {
    const bool by_person = code.code == "cancelled" || code.code == "interrupted";
    EXPECT_EQ(next_step(code.code).empty(), by_person) << code.code;
  }
}

TEST(NextStep, WhatTheErrorSaysItselfCounts) {
  EXPECT_EQ(told({.code = "no_space", .message = "disk full", .hint = "make room"}), "disk full (make room)");
  EXPECT_EQ(told({.code = "model_not_found", .message = "no such model"}), "no such model (lathe model list)");
  EXPECT_EQ(told({.code = "interrupted", .message = "interrupted"}), "interrupted");
}

}  // namespace
}  // namespace lathe::cli
