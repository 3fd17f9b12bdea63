#include "lathe/gateways/http/agentruntime_marks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace lathe::gateways::http {
namespace {

namespace p = protocol;

p::Event message(std::int64_t seq) {
  return {.session = "s",
          .seq = seq,
          .id = "1",
          .by = "",
          .ts = seq * 1000,
          .msg = p::AgentMessage{.item = "i", .text = std::string(static_cast<std::size_t>(seq % 7) * 500, 'x')}};
}

TEST(AgentruntimeMarks, ReadingFromAMarkGivesWhatReadingAllGives) {
  constexpr std::int64_t kRecords = 600;
  AgentruntimeMarks marks;
  AgentruntimeLog log;
  std::string whole;
  for (std::int64_t seq = 1; seq <= kRecords; ++seq) {
    whole += log.add(message(seq));
    if (seq % 10 == 0) marks.keep("s", log, seq);
  }
  std::int64_t most_read_again = 0;
  for (std::int64_t byte = 0; byte <= log.size(); byte += 4'999) {
    AgentruntimeMarks::Mark mark = marks.before("s", byte);
    ASSERT_LE(mark.log.size(), byte);
    most_read_again = std::max(most_read_again, byte - mark.log.size());
    const auto begin = static_cast<std::size_t>(mark.log.size());
    std::string rest;
    for (std::int64_t seq = mark.seq + 1; seq <= std::min(mark.seq + 20, kRecords); ++seq) {
      rest += mark.log.add(message(seq));
    }
    ASSERT_EQ(whole.compare(begin, rest.size(), rest), 0) << byte;
  }
  EXPECT_LT(most_read_again, log.size() / 8);
  EXPECT_EQ(marks.before("s", log.size()).seq, kRecords) << "a reader at the end reads nothing again";
  EXPECT_EQ(marks.before("other", log.size()).seq, 0);
}

TEST(AgentruntimeMarks, SessionsThatNobodyLooksAtAreForgottenFirst) {
  AgentruntimeMarks marks;
  AgentruntimeLog log;
  EXPECT_FALSE(log.add(message(1)).empty());
  marks.keep("watched", log, 1);
  for (int session = 0; session < 1'000; ++session) {
    marks.keep(std::to_string(session), log, 1);
    EXPECT_EQ(marks.before("watched", log.size()).seq, 1);
  }
  EXPECT_EQ(marks.before("0", log.size()).seq, 0);
  EXPECT_EQ(marks.before("999", log.size()).seq, 1);
}

}  // namespace
}  // namespace lathe::gateways::http
