#include "lathe/base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace lathe::base {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return Error{.code = codes::kInvalid, .message = "odd"};
  return value / 2;
}

Result<std::string> quarter(int value) {
  TRY(const int once, half(value));
  TRY(const int twice, half(once).within("second half"));
  return std::to_string(twice);
}

Result<void> both(int a, int b) {
  TRY_OK(half(a));
  TRY_OK(half(b));
  return {};
}

TEST(Result, TryPassesValuesAndErrors) {
  EXPECT_EQ(*quarter(8), "2");
  EXPECT_EQ(quarter(7).error().message, "odd");
  EXPECT_EQ(quarter(6).error().message, "second half: odd");
  EXPECT_TRUE(both(2, 4).ok());
  EXPECT_FALSE(both(2, 3).ok());
}

TEST(Result, HoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> owned = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = *std::move(owned);
  EXPECT_EQ(*taken, 3);
}

TEST(ErrnoError, NamesTheReason) {
  const Error error = errno_error(ENOSPC, "write journal");
  EXPECT_EQ(error.code, codes::kNoSpace);
  EXPECT_EQ(error.message, "write journal: No space left on device");
}

}  // namespace
}  // namespace lathe::base
