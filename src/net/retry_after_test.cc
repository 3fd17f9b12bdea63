#include "lathe/net/retry_after.h"

#include <gtest/gtest.h>

namespace lathe::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr base::UnixMillis kNow = 784'111'777'000;  // Sun, 06 Nov 1994 08:49:37 GMT

std::optional<milliseconds> wait_for(std::vector<Header> headers) {
  return retry_after(ResponseHead{.status = 429, .headers = std::move(headers)}, kNow);
}

TEST(RetryAfter, ReadsSecondsMillisecondsAndDates) {
  EXPECT_EQ(wait_for({{"retry-after", "2"}}), milliseconds(2000));
  EXPECT_EQ(wait_for({{"retry-after", " 0.5 "}}), milliseconds(500));
  EXPECT_EQ(wait_for({{"retry-after", "9"}, {"retry-after-ms", "1200"}}), milliseconds(1200));
  EXPECT_EQ(wait_for({{"retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"}}), milliseconds(30'000));
  EXPECT_EQ(wait_for({{"retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"}}), milliseconds(0));
  EXPECT_EQ(wait_for({{"retry-after", "999999999"}}), hours(24));
  EXPECT_EQ(wait_for({{"retry-after", "-5"}}), milliseconds(0));
}

TEST(RetryAfter, IgnoresWhatItCannotRead) {
  for (const char* bad :
       {"", "soon", "1s", "nan", "inf", "1e999", "Sun, 41 Nov 1994 08:49:37 GMT", "06 Nov",
        "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET"}) {
    EXPECT_EQ(wait_for({{"retry-after", bad}}), std::nullopt) << bad;
  }
  EXPECT_EQ(wait_for({}), std::nullopt);
}

TEST(HttpDate, ReadsAllThreeForms) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", kNow), kNow);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", kNow), kNow);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", kNow), kNow);
  constexpr base::UnixMillis kIn2026 = 1'795'000'000'000;
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", kIn2026), kNow) << "two-digit years reach back";
}

}  // namespace
}  // namespace lathe::net
