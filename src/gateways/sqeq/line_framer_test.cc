#include "lathe/gateways/sqeq/line_framer.h"

#include <gtest/gtest.h>

#include <string>
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

}  // namespace
}  // namespace lathe::gateways::sqeq
