#include "lathe/gateways/sqeq/line_framer.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace lathe::gateways::sqeq {
namespace {

/// Lines, and "!" in the place of one that was too long.
std::vector<std::string> lines_of(const std::vector<std::string_view>& pieces, std::size_t max_line_bytes) {
  LineFramer framer(max_line_bytes);
  std::vector<std::string> out;
  const LineFramer::OnLine on_line = [&](std::string_view line) { out.emplace_back(line); };
  for (const std::string_view piece : pieces) {
    framer.feed(piece, on_line, [&](std::string_view beginning, const base::Error& error) {
      EXPECT_EQ(beginning.substr(0, 5), "12345");
      EXPECT_EQ(error.code, base::codes::kLimit);
      EXPECT_NE(error.message.find(std::to_string(max_line_bytes)), std::string::npos) << error.message;
      out.emplace_back("!");
    });
  }
  framer.finish(on_line);
  return out;
}

TEST(LineFramer, GoesOnAfterALineThatIsTooLongHoweverItIsCut) {
  constexpr std::string_view kText = "12345678\r\n\n123456789\nok\r\n1234567890123456789\nlast";
  // A carriage return counts as a byte of its line: nine here.
  const std::vector<std::string> expected{"12345678", "123456789", "ok", "!", "last"};
  for (std::size_t i = 0; i <= kText.size(); ++i) {
    for (std::size_t j = i; j <= kText.size(); ++j) {
      EXPECT_EQ(lines_of({kText.substr(0, i), kText.substr(i, j - i), kText.substr(j)}, 9), expected) << i << " " << j;
    }
  }
}

TEST(LineFramer, ALineThatIsTooLongIsToldOfBeforeItEnds) {
  EXPECT_EQ(lines_of({"12345", "678", "90", "12"}, 8), std::vector<std::string>{"!"});
  EXPECT_EQ(lines_of({"1234567890"}, 8), std::vector<std::string>{"!"});
}

class LinesWithDescriptors : public testing::Test {
 protected:
  void feed(std::string_view bytes, int descriptor = -1) {
    framer_.feed(
        bytes, on_line_, [this](std::string_view, const base::Error&) { came_.emplace_back("!", -1); },
        base::UniqueFd(descriptor));
  }
  static int descriptor() { return ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); }
  static bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

  LineFramer framer_{9};
  /// Lines, each with the number of its descriptor, which is closed as soon as it was looked at.
  std::vector<std::pair<std::string, int>> came_;
  LineFramer::OnLine on_line_ = [this](std::string_view line) {
    came_.emplace_back(line, framer_.take_descriptor().get());
  };
};

using Came = std::vector<std::pair<std::string, int>>;

TEST_F(LinesWithDescriptors, OneWaitsForTheLineOfTheLastByteThatItCameWith) {
  const int whole = descriptor();
  feed("a\nb\n", whole);
  EXPECT_EQ(came_, (Came{{"a", -1}, {"b", whole}}));
  came_.clear();
  const int begun = descriptor();
  feed("c\nd", begun);
  feed("d");
  EXPECT_EQ(came_, (Came{{"c", -1}}));
  EXPECT_TRUE(is_open(begun));
  const int next = descriptor();
  feed("d\ne", next);
  framer_.finish(on_line_);
  EXPECT_EQ(came_, (Came{{"c", -1}, {"ddd", begun}, {"e", next}}));
}

TEST_F(LinesWithDescriptors, NoOtherLineGetsTheOneOfALineThatWasNotGiven) {
  for (const std::string_view line : {"\r", "1234567890", "12345678901234567890"}) {
    came_.clear();
    const int lost = descriptor();
    feed(line.substr(0, line.size() - 1));
    feed(line.substr(line.size() - 1), lost);
    feed("\n");
    EXPECT_FALSE(is_open(lost)) << line;
    feed("next\n");
    EXPECT_EQ(came_.back(), (std::pair<std::string, int>{"next", -1})) << line;
  }
}

TEST_F(LinesWithDescriptors, OfSeveralWithOneLineTheFirstIsKept) {
  const int first = descriptor();
  const int second = descriptor();
  feed("a", first);
  feed("b", second);
  EXPECT_TRUE(is_open(first));
  EXPECT_FALSE(is_open(second));
  feed("\n");
  EXPECT_EQ(came_, (Came{{"ab", first}}));
}

}  // namespace
}  // namespace lathe::gateways::sqeq
