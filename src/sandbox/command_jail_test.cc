#include "lathe/sandbox/command_jail.h"

#include <gtest/gtest.h>

namespace lathe::sandbox {
namespace {

CommandJail rich_jail() {
  return {.level = Level::kFull,
          .limits = {.processes = 100, .file_bytes = 0, .open_files = 1024},
          .masks = {{"/w/.env", Mask::Kind::kHidden, 17}, {"/w/.git/hooks", Mask::Kind::kReadOnly}, {"/w/.git"}},
          .hidden_file = "/run/lathe/file",
          .hidden_folder = "/run/lathe/folder",
          .ruleset = {.handled_fs = 0xffff, .handled_net = 3, .scoped = 1},
          .rules = {{"/etc", 5, {"/etc/shadow", "/etc/ssh/key"}}, {"/w", ~std::uint64_t{0}, {}}},
          .filter = std::string("\x00\xff\x10 a", 5)};
}

TEST(CommandJail, ComesBackFromItsBytes) {
  for (const CommandJail& jail : {CommandJail{}, rich_jail()}) {
    const auto back = CommandJail::decode(jail.encode());
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(*back, jail);
  }
}

TEST(CommandJail, RefusesEveryShortenedEncodingAndOneWithMore) {
  const std::string bytes = rich_jail().encode();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(CommandJail::decode(std::string_view(bytes).substr(0, size))) << size;
  }
  EXPECT_FALSE(CommandJail::decode(bytes + std::string(1, '\0')));
}

TEST(CommandJail, RefusesUnknownLevelsKindsAndCounts) {
  const auto with = [](std::string_view from, std::string_view to) {
    std::string bytes = rich_jail().encode();
    bytes.replace(bytes.find(from), from.size(), to);
    return CommandJail::decode(bytes);
  };
  EXPECT_TRUE(with("full", "full"));
  EXPECT_FALSE(with("full", "fool"));
  EXPECT_FALSE(with("100", "1x0"));
  EXPECT_FALSE(with(std::string_view("0\00017\0", 5), std::string_view("3\00017\0", 5)));
  EXPECT_FALSE(with("00ff10", "00fg10"));
}

}  // namespace
}  // namespace lathe::sandbox
