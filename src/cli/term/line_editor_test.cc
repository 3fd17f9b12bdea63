#include "lathe/cli/term/line_editor.h"

#include <gtest/gtest.h>

namespace lathe::cli {
namespace {

using Outcome = LineEditor::Outcome;

std::string typed(std::string_view keys) {
  LineEditor editor;
  (void)editor.feed(keys);
  return editor.text();
}

TEST(LineEditor, Editing) {
  EXPECT_EQ(typed("hello\x7f!"), "hell!");
  EXPECT_EQ(typed("bc\x01"
                  "a"),
            "abc");
  EXPECT_EQ(typed("ac\x1b[Db"), "abc");
  EXPECT_EQ(typed("one two\x17"
                  "2"),
            "one 2");
  EXPECT_EQ(typed("one two\x15\x19"), "one two");
  EXPECT_EQ(typed("one two\x1b"
                  "b\x0b"),
            "one ");
  EXPECT_EQ(typed("aé\x7f"), "a");
  EXPECT_EQ(typed("ab\x1b[H\x1b[3~"), "b");
}

TEST(LineEditor, EnterSubmitsAndKeepsWhatComesBehind) {
  LineEditor editor;
  EXPECT_EQ(editor.feed("first\rsecond"), Outcome::kSubmit);
  EXPECT_EQ(editor.text(), "first");
  editor.clear();
  EXPECT_EQ(editor.feed("\r"), Outcome::kSubmit);
  EXPECT_EQ(editor.text(), "second");
}

TEST(LineEditor, SeveralLines) {
  LineEditor editor;
  EXPECT_EQ(editor.feed("a\\\rb\r"), Outcome::kSubmit);
  EXPECT_EQ(finish_message(editor.text()), "a\nb");
  editor.clear();
  EXPECT_EQ(editor.feed("\"\"\"\rx\ry\r\"\"\"\r"), Outcome::kSubmit);
  EXPECT_EQ(finish_message(editor.text()), "x\ny");
  EXPECT_EQ(typed("a\x1b\rb"), "a\nb");
}

TEST(LineEditor, APasteNeverSubmits) {
  LineEditor editor;
  EXPECT_EQ(editor.feed("\x1b[200~one\r\ntwo\r"), Outcome::kMore);
  EXPECT_EQ(editor.feed("three\x1b[201~"), Outcome::kMore);
  EXPECT_EQ(editor.text(), "one\ntwo\nthree");
}

TEST(LineEditor, KeysThatArriveInPieces) {
  LineEditor editor;
  const std::string keys = "aé\x1b[D\x1b[Dx";
  for (const char key : keys) EXPECT_EQ(editor.feed(std::string_view(&key, 1)), Outcome::kMore);
  EXPECT_EQ(editor.text(), "xaé");
}

TEST(LineEditor, HistoryKeepsTheDraft) {
  LineEditor editor;
  editor.set_history({"old", "new"});
  (void)editor.feed("draft\x1b[A");
  EXPECT_EQ(editor.text(), "new");
  (void)editor.feed("\x1b[A\x1b[A");
  EXPECT_EQ(editor.text(), "old");
  (void)editor.feed("\x1b[B\x1b[B");
  EXPECT_EQ(editor.text(), "draft");
}

TEST(LineEditor, EndOnlyOnAnEmptyLine) {
  LineEditor editor;
  EXPECT_EQ(editor.feed("a\x01\x04"), Outcome::kMore);
  EXPECT_EQ(editor.text(), "");
  EXPECT_EQ(editor.feed("\x04"), Outcome::kEnd);
}

TEST(LineEditor, RowsWrapAndShowTheCursor) {
  LineEditor editor;
  (void)editor.feed("abcdef");
  const InputRows rows = editor.rows("> ", 6);
  EXPECT_EQ(rows.rows, (std::vector<std::string>{"> abc", "def"}));
  EXPECT_EQ(rows.cursor_row, 1U);
  EXPECT_EQ(rows.cursor_column, 3U);
}

}  // namespace
}  // namespace lathe::cli
