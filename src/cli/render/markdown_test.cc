#include "lathe/cli/render/markdown.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lathe::cli {
namespace {

std::string plain(std::string_view markdown, std::size_t width = 40) {
  return render_markdown(markdown, {.style = {}, .width = width});
}

TEST(Markdown, Blocks) {
  EXPECT_EQ(plain("# Title\n\nSome *text* with `code`\nand more.\n"), "# Title\n\nSome text with `code` and more.\n");
  EXPECT_EQ(plain("- one\n- two\n  - deep\n\nend"), "• one\n• two\n  • deep\n\nend\n");
  EXPECT_EQ(plain("3. three\n4. four"), "3. three\n4. four\n");
  EXPECT_EQ(plain("- [x] done\n- [ ] open"), "[x] done\n[ ] open\n");
  EXPECT_EQ(plain("> quoted\n> more"), "│ quoted more\n");
  EXPECT_EQ(plain("```cpp\nint x;\n\n  y();\n```\nafter"), "    int x;\n    \n      y();\n\nafter\n");
  EXPECT_EQ(plain("[docs](https://example.org/a)"), "docs (https://example.org/a)\n");
  EXPECT_EQ(plain("| a | bb |\n|---|---|\n| long | x |\n"), "a     bb\nlong  x\n");
  EXPECT_EQ(plain("a &lt; b &amp; c"), "a < b & c\n");
  EXPECT_EQ(plain(""), "");
}

TEST(Markdown, LongLinesWrapUnderTheirMarker) { EXPECT_EQ(plain("- aaa bbb ccc ddd", 9), "• aaa bbb\n  ccc ddd\n"); }

TEST(Markdown, ColoursNest) {
  EXPECT_EQ(render_markdown("**bold `code`**", {.style = {.on = true}}), "\x1b[1mbold \x1b[36mcode\x1b[39m\x1b[22m\n");
}

TEST(Markdown, ControlCharactersOfTheModelNeverReachTheTerminal) {
  const std::string out = plain("a\x1b]0;evil\x07 `\x1b[2J`\n\n```\n\x1b[31mred\n```\n");
  EXPECT_EQ(out.find('\x1b'), std::string::npos);
  EXPECT_EQ(out.find('\x07'), std::string::npos);
}

std::vector<std::string> blocks_of(std::string_view text, std::size_t step) {
  MarkdownBlocks blocks;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < text.size(); i += step) {
    if (std::string block = blocks.add(text.substr(i, step)); !block.empty()) out.push_back(std::move(block));
  }
  if (std::string rest = blocks.finish(); !rest.empty()) out.push_back(std::move(rest));
  return out;
}

TEST(MarkdownBlocks, CutAtWholeBlocks) {
  const std::string text =
      "# Head\nIntro\nstill\n\n- a\n\n  second paragraph of a\n\nend\n\n```\ncode\n\nmore\n```\nlast";
  const std::vector<std::string> expected{"# Head\n", "Intro\nstill\n\n",         "- a\n\n  second paragraph of a\n\n",
                                          "end\n\n",  "```\ncode\n\nmore\n```\n", "last"};
  EXPECT_EQ(blocks_of(text, 1), expected);
}

TEST(MarkdownBlocks, WhatIsHeldBackCanBeSeen) {
  MarkdownBlocks blocks;
  EXPECT_EQ(blocks.add("one\n\ntw"), "one\n\n");
  EXPECT_EQ(blocks.pending(), "tw");
  EXPECT_EQ(blocks.add("o\n```\ncode"), "");
  EXPECT_EQ(blocks.pending(), "two\n```\ncode");
  EXPECT_EQ(blocks.add("\n```\n"), "two\n```\ncode\n```\n");
  EXPECT_EQ(blocks.pending(), "");
}

TEST(MarkdownBlocks, NothingIsLostHoweverTheTextArrives) {
  const std::string text = "para\n\n~~~\n```\n\nx\n~~~\n\n1. a\n\n2. b\n\n    code\n\nend\n";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    std::string joined;
    for (const std::string& block : blocks_of(text, step)) joined += block;
    EXPECT_EQ(joined, text) << "in steps of " << step;
  }
}

}  // namespace
}  // namespace lathe::cli
