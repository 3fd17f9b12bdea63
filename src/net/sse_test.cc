#include "lathe/net/sse.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

namespace lathe::net {
namespace {

using Seen = std::tuple<std::string, std::string, std::string>;

/// Feeds the pieces and gives (event, data, id) of everything that came.
std::vector<Seen> events_of_stream(const std::vector<std::string_view>& pieces) {
  SseParser parser;
  std::vector<Seen> seen;
  const OnSseEvent collect = [&seen](const SseEvent& event) { seen.emplace_back(event.event, event.data, event.id); };
  for (const std::string_view piece : pieces) EXPECT_TRUE(parser.feed(piece, collect).ok());
  EXPECT_TRUE(parser.finish(collect).ok());
  return seen;
}

SseParser::Kind kind_of(const std::vector<std::string_view>& pieces) {
  SseParser parser;
  for (const std::string_view piece : pieces) EXPECT_TRUE(parser.feed(piece, [](const SseEvent&) {}).ok());
  return parser.kind();
}

TEST(SseParser, ReadsFieldsAsTheStandardSays) {
  EXPECT_EQ(events_of_stream({"event: add\ndata: one\ndata:two\nid: 7\n\n"}),
            (std::vector<Seen>{{"add", "one\ntwo", "7"}}));
  EXPECT_EQ(events_of_stream({"data:  x\n\n"}), (std::vector<Seen>{{"", " x", ""}})) << "only one space is taken off";
  EXPECT_EQ(events_of_stream({"data\n\ndata:\ndata:\n\n"}), (std::vector<Seen>{{"", "", ""}, {"", "\n", ""}}));
  EXPECT_EQ(events_of_stream({": keep-alive\n\nevent: lonely\n\ndata: a\n\n"}), (std::vector<Seen>{{"", "a", ""}}))
      << "an event without data does not exist, and leaves no name behind";
  EXPECT_EQ(events_of_stream({"id: 1\ndata: a\n\ndata: b\n\n"}), (std::vector<Seen>{{"", "a", "1"}, {"", "b", "1"}}));
  EXPECT_EQ(events_of_stream({"data: a\nunknown: b\n\n"}), (std::vector<Seen>{{"", "a", ""}}));
}

TEST(SseParser, GivesTheSameEventsForEverySplitAndLineEnd) {
  const std::string lf =
      "\xEF\xBB\xBF"
      "event: e\nid: 1\ndata: h\xC3\xA9llo\ndata: 2\n\n: ping\n\ndata: {\"a\":1}\n\n";
  const std::vector<Seen> expected{{"e", "h\xC3\xA9llo\n2", "1"}, {"", "{\"a\":1}", "1"}};
  for (const std::string_view line_end : {"\n", "\r", "\r\n"}) {
    std::string text;
    for (const char c : lf) c == '\n' ? text.append(line_end) : text.append(1, c);
    for (std::size_t i = 0; i <= text.size(); ++i) {
      const std::string_view all = text;
      EXPECT_EQ(events_of_stream({all.substr(0, i), all.substr(i)}), expected) << "cut at " << i;
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(std::string_view(text).substr(i, 1));
    EXPECT_EQ(events_of_stream(bytes), expected);
  }
}

TEST(SseParser, AtTheEndGivesWholeLinesAndDropsACutOne) {
  EXPECT_EQ(events_of_stream({"data: a\n"}), (std::vector<Seen>{{"", "a", ""}}));
  EXPECT_EQ(events_of_stream({"data: a\n\ndata: {\"cu"}), (std::vector<Seen>{{"", "a", ""}}));
}

TEST(SseParser, KnowsABodyThatIsNoEventStream) {
  using enum SseParser::Kind;
  EXPECT_EQ(kind_of({"<!DOCTYPE html><html>"}), kForeign);
  EXPECT_EQ(kind_of({"{\"error\": {\"message\": \"no\"}}"}), kForeign);
  EXPECT_EQ(kind_of({"d", "a", "t", "e: x\n"}), kForeign);
  EXPECT_EQ(kind_of({"\n\n", "Bad gateway\n"}), kForeign);
  EXPECT_EQ(kind_of({"\xEF\xBB", "\xBF", "data: x\n"}), kEventStream);
  EXPECT_EQ(kind_of({"\r\n: hello\r\n"}), kEventStream);
  EXPECT_EQ(kind_of({"eve"}), kUnknown);
  EXPECT_EQ(kind_of({"\n\n"}), kUnknown);

  SseParser parser;
  ASSERT_TRUE(parser.feed("<html>\n<title>502", [](const SseEvent&) {}).ok());
  ASSERT_TRUE(parser.feed(" Bad Gateway", [](const SseEvent&) {}).ok());
  EXPECT_EQ(parser.foreign_excerpt(), "<html>\n<title>502 Bad Gateway");
}

TEST(SseParser, RefusesAnEventPastItsBoundAndStaysSo) {
  SseParser parser(/*max_event_bytes=*/64);
  const OnSseEvent ignore = [](const SseEvent&) {};
  EXPECT_TRUE(parser.feed("data: " + std::string(40, 'x') + "\n", ignore).ok());
  const auto refused = parser.feed("data: " + std::string(40, 'x') + "\n", ignore);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::codes::kLimit);
  EXPECT_FALSE(parser.feed("\n", ignore).ok());
  EXPECT_FALSE(parser.finish(ignore).ok());

  SseParser endless(/*max_event_bytes=*/64);
  EXPECT_FALSE(endless.feed(std::string(65, 'x'), ignore).ok());

  // However it comes, also a line of which nothing is kept.
  SseParser at_once(/*max_event_bytes=*/64);
  EXPECT_FALSE(at_once.feed(std::string(65, 'x') + "\n", ignore).ok());
  EXPECT_EQ(at_once.kind(), SseParser::Kind::kForeign);
}

TEST(SseParser, TakesALineOfTenMegabytesInSmallPieces) {
  const std::string value(10U << 20, 'x');
  const std::string text = "data: " + value + "\n\n";
  SseParser parser;
  std::size_t got = 0;
  for (std::size_t i = 0; i < text.size(); i += 1000) {
    ASSERT_TRUE(
        parser.feed(std::string_view(text).substr(i, 1000), [&](const SseEvent& e) { got = e.data.size(); }).ok());
  }
  EXPECT_EQ(got, value.size());
}

TEST(SseParser, KeepsTheReconnectionTime) {
  SseParser parser;
  ASSERT_TRUE(parser.feed("retry: 1500\nretry: soon\n\n", [](const SseEvent&) {}).ok());
  EXPECT_EQ(parser.retry(), std::chrono::milliseconds(1500));
}

}  // namespace
}  // namespace lathe::net
