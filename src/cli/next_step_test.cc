#include "lathe/cli/next_step.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/cli/command_line.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::cli {
namespace {

TEST(NextStep, EveryCodeHasOneExceptWhereThePersonEndedIt) {
  for (const protocol::ErrorCode& code : protocol::kErrorCodes) {
    const bool by_person = code.code == "cancelled" || code.code == "interrupted";
    EXPECT_EQ(next_step(code.code).empty(), by_person) << code.code;
  }
}

/// The words behind "lathe" that may name a command: up to the first that is an option, a placeholder or punctuated.
std::vector<std::string> command_words(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view word : base::split(text, ' ')) {
    const std::size_t end = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz");
    if (end == 0 || word.empty()) break;
    words.emplace_back(word.substr(0, end));
    if (end != std::string_view::npos) break;
  }
  return words;
}

TEST(NextStep, EachNamesACommandThatThereIs) {
  constexpr std::string_view kProgram = "lathe ";
  for (const protocol::ErrorCode& code : protocol::kErrorCodes) {
    std::string_view step = next_step(code.code);
    if (step.empty()) continue;
    std::size_t commands = 0;
    for (std::size_t at = step.find(kProgram); at != std::string_view::npos; at = step.find(kProgram)) {
      step.remove_prefix(at + kProgram.size());
      ++commands;
      std::vector<std::string> words = command_words(step);
      words.emplace_back("--help");
      EXPECT_TRUE(parse(words, "1").ok()) << code.code << ": " << step;
    }
    EXPECT_GT(commands, 0U) << code.code;
  }
}

TEST(NextStep, WhatTheErrorSaysItselfCounts) {
  EXPECT_EQ(told({.code = "no_space", .message = "disk full", .hint = "make room"}), "disk full (make room)");
  EXPECT_EQ(told({.code = "model_not_found", .message = "no such model"}), "no such model (lathe model list)");
  EXPECT_EQ(told({.code = "interrupted", .message = "interrupted"}), "interrupted");
}

}  // namespace
}  // namespace lathe::cli
