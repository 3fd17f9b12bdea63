#include "lathe/base/strings.h"

#include <gtest/gtest.h>

namespace lathe::base {
namespace {

using std::chrono::milliseconds;

TEST(Durations, ReadAndPrint) {
  EXPECT_EQ(*parse_duration("15s"), milliseconds(15'000));
  EXPECT_EQ(*parse_duration("1h30m"), milliseconds(5'400'000));
  EXPECT_EQ(*parse_duration("250ms"), milliseconds(250));
  for (const char* bad : {"", "5", "s", "-3s", "1x", "99999999999999h", "1 s"}) {
    EXPECT_FALSE(parse_duration(bad).ok()) << bad;
  }
  EXPECT_EQ(format_duration(milliseconds(85)), "85ms");
  EXPECT_EQ(format_duration(milliseconds(1234)), "1.2s");
  EXPECT_EQ(format_duration(milliseconds(192'000)), "3m12s");
}

TEST(Nearest, FindsTyposAndRefusesStrangers) {
  const std::vector<std::string> names{"review", "release-notes", "user_input"};
  EXPECT_EQ(nearest("reveiw", names), "review");
  EXPECT_EQ(nearest("user_inptu", names), "user_input");
  EXPECT_EQ(nearest("xyzzy", names), std::nullopt);
  EXPECT_EQ(did_you_mean("reveiw", names), "did you mean \"review\"?");
}

TEST(ShellQuote, RoundTripsThroughReading) {
  EXPECT_EQ(shell_quote("plain-1.txt"), "plain-1.txt");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_join({"echo", "a b"}), "echo 'a b'");
}

TEST(Base64, RoundTripsEveryLength) {
  for (const char* text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    EXPECT_EQ(*base64_decode(base64(text)), text);
  }
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_FALSE(base64_decode("a?").ok());
  EXPECT_FALSE(base64_decode("Zm=v").ok());
}

TEST(PercentDecode, LeavesWhatIsNoEscape) {
  EXPECT_EQ(percent_decode("a%20b%2Fc+d"), "a b/c+d");
  EXPECT_EQ(percent_decode("100%"), "100%");
  EXPECT_EQ(percent_decode("%zz%4"), "%zz%4");
}

TEST(Lines, SplitWithoutPhantomLast) {
  EXPECT_EQ(split_lines("").size(), 0U);
  EXPECT_EQ(split_lines("a\nb\n"), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(split_lines("a\n\n"), (std::vector<std::string_view>{"a", ""}));
}

TEST(Numbers, ForPeople) {
  EXPECT_EQ(with_thousands(1234567), "1,234,567");
  EXPECT_EQ(with_thousands(-123), "-123");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
}

}  // namespace
}  // namespace lathe::base
