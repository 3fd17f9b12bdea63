#include "lathe/net/ndjson.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lathe::net {
namespace {

std::vector<std::string> parse(const std::vector<std::string_view>& pieces) {
  NdjsonParser parser;
  std::vector<std::string> lines;
  const OnLine collect = [&lines](std::string_view line) { lines.emplace_back(line); };
  for (const std::string_view piece : pieces) EXPECT_TRUE(parser.feed(piece, collect).ok());
  EXPECT_TRUE(parser.finish(collect).ok());
  return lines;
}

TEST(NdjsonParser, GivesTheSameLinesForEverySplit) {
  const std::string text = "{\"a\":1}\r\n\n{\"b\":\"h\xC3\xA9\"}\n\r\n{\"c\":3}";
  const std::vector<std::string> expected{"{\"a\":1}", "{\"b\":\"h\xC3\xA9\"}", "{\"c\":3}"};
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const std::string_view all = text;
    EXPECT_EQ(parse({all.substr(0, i), all.substr(i)}), expected) << "cut at " << i;
  }
}

TEST(NdjsonParser, RefusesALineOverItsBoundAndStaysSo) {
  NdjsonParser parser(/*max_line_bytes=*/8);
  std::vector<std::string> lines;
  const OnLine collect = [&lines](std::string_view line) { lines.emplace_back(line); };
  EXPECT_TRUE(parser.feed("12345678\n1234", collect).ok());
  EXPECT_EQ(lines, std::vector<std::string>{"12345678"});
  const auto refused = parser.feed("56789", collect);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::codes::kLimit);
  EXPECT_FALSE(parser.feed("\n", collect).ok());
  EXPECT_FALSE(parser.finish(collect).ok());
}

}  // namespace
}  // namespace lathe::net
